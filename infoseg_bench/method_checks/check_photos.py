"""A small store of random photos on which methods are checked."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from infoseg_bench.data.view import UNLABELLED, VOID, View, label_table
from infoseg_bench.data.writer import StoreWriter

CROP, CLASSES = 32, 3
SIZES = ((32, 32), (16, 37), (64, 29), (35, 36), (31, 17), (48, 20), (20, 60), (40, 40))
"""Heights and widths: equal to the crop, smaller, larger, and mixed."""
NAME = "check"

Labels = Literal["own", "others", "none"]


def write_check_store(path: Path, *, channels: int = 3, labels: Labels = "own") -> Path:
    """Write a store of random photos with random labels, including VOID and UNLABELLED; return its path.

    Args:
        path: the store to write
        channels: channels of the photos
        labels: "own" and "others" give the same photos different labels; "none" gives them no labels
    """
    pixels, codes = np.random.default_rng(0), np.random.default_rng(1 if labels == "own" else 2)
    values = np.array([*range(CLASSES), VOID, UNLABELLED], dtype=np.uint8)
    with StoreWriter(path, channels=channels, attributes={"recipe": "check"}) as writer:
        for index, size in enumerate(SIZES):
            image = pixels.integers(0, 256, (*size, channels), dtype=np.uint8)
            drawn = values[codes.integers(0, len(values), size)]
            writer.add(f"photo-{index}", image, None if labels == "none" else drawn)
        writer.finish([_view(labelled=labels != "none")])
    return path


def _view(*, labelled: bool) -> View:
    everything = np.arange(len(SIZES), dtype=np.int64)
    return View(
        name=NAME,
        title="Random photos",
        classes=tuple(f"class {index}" for index in range(CLASSES)),
        palette=((0, 0, 0), (90, 90, 90), (180, 180, 180)),
        tables={"corrected": label_table(CLASSES)},
        train=everything,
        evaluation=everything if labelled else everything[:0],
        crop=CROP,
    )
