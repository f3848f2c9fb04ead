"""Old names of modules, which plug-ins may still import."""

from __future__ import annotations

import importlib
import sys

import pytest

from infoseg_bench._renamed import PACKAGE, RENAMED


@pytest.mark.parametrize("old", sorted(RENAMED))
def test_an_old_name_gives_the_module_itself_and_a_warning(old: str) -> None:
    new = importlib.import_module(PACKAGE + RENAMED[old])
    sys.modules.pop(PACKAGE + old, None)
    with pytest.warns(DeprecationWarning, match=rf"{PACKAGE}{old} is now {new.__name__}"):
        found = importlib.import_module(PACKAGE + old)
    assert found is new
    assert found.__name__ == PACKAGE + RENAMED[old]


def test_a_name_that_never_was_is_no_module() -> None:
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("infoseg_bench.imageops.nothing")
