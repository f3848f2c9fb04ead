from __future__ import annotations

from pathlib import Path

import pytest

from infoseg_bench.images import fonts
from infoseg_bench.images.fonts import font_for


def test_names_in_many_scripts_get_a_font_that_has_them() -> None:
    for names in (
        ["sky", "stra\u00dfe"],
        ["\u043d\u0435\u0431\u043e"],
        ["\u03bf\u03c5\u03c1\u03b1\u03bd\u03cc\u03c2", "sky"],
    ):
        assert font_for(names, 16) is not None


def test_no_font_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    assert font_for(["\U0010fffd"], 16) is None
    monkeypatch.setattr(fonts, "_code_points", lambda file: frozenset())
    fonts._font_file.cache_clear()
    assert font_for(["\u5929\u7a7a"], 16) is None
    fonts._font_file.cache_clear()


def test_files_that_are_no_fonts_have_no_characters(tmp_path: Path) -> None:
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    assert fonts._code_points(str(tmp_path / "broken.ttf")) == frozenset()
