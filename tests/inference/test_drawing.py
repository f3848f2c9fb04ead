from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from infoseg_bench.inference import overlays as drawing
from infoseg_bench.inference.overlays import write_legend, write_overlay

PALETTE = [(255, 0, 0), (0, 0, 255)]


def test_the_legend_stands_as_text_too(tmp_path: Path) -> None:
    assert write_legend(tmp_path, ["sky", "stra\u00dfe"], PALETTE) == ""
    assert (tmp_path / "legend.txt").read_text(
        encoding="utf-8"
    ) == "0\t#ff0000\tsky\n1\t#0000ff\tstra\u00dfe\n"


def test_names_that_no_font_has_are_numbers_in_the_picture_and_whole_in_the_text(tmp_path: Path) -> None:
    names = ["\U0010fffd", "sky", "\U0010fffc"]
    warning = write_legend(tmp_path, names, [*PALETTE, (0, 255, 0)])
    assert "no installed font" in warning
    assert "legend.txt" in warning
    rows = np.asarray(Image.open(tmp_path / "legend.png").convert("L"))
    first, third = rows[8:36, 36:], rows[64:92, 36:]
    assert (first != third).any()
    assert "\U0010fffd" in (tmp_path / "legend.txt").read_text(encoding="utf-8")


def test_an_overlay_in_strips_is_that_of_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    photo = random.integers(0, 256, (20, 9, 3), dtype=np.uint8)
    labels = random.integers(0, 2, (20, 9), dtype=np.uint8)
    write_overlay(tmp_path / "whole.png", photo, labels, PALETTE)
    monkeypatch.setattr(drawing, "STRIP", 7)
    write_overlay(tmp_path / "strips.png", photo, labels, PALETTE)
    whole, strips = (np.asarray(Image.open(tmp_path / name)) for name in ("whole.png", "strips.png"))
    np.testing.assert_array_equal(whole, strips)
    expected = (photo.astype(int) + np.array(PALETTE)[labels]) / 2
    assert np.abs(whole - expected).max() <= 1
