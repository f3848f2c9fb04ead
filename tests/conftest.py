"""Shapes and types are checked on every call while testing, and every test draws the same numbers.

Two processes share the tests, and tiny networks only wait for each other on several threads.
"""

import pytest
import torch
from hypothesis import settings
from jaxtyping import install_import_hook

install_import_hook("infoseg_bench", "beartype.beartype")
torch.set_num_threads(1)
# A machine that is busy fails no test.
settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")

SLOW = ("cli", "docs", "examples", "launchers", "reporting", "runs", "training")
"""Folders whose tests start processes: first, so that neither of two workers ends long after the other."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order files for the workers, which take them one by one."""
    items.sort(key=lambda item: item.path.parent.name not in SLOW)


def pytest_runtest_setup() -> None:
    """Seed networks that a test makes without saying so: a failure must come back when asked for."""
    torch.manual_seed(0)
