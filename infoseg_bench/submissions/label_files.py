"""Reads label maps of other software: PNG or NPY files of any whole numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Int64
from PIL import Image

from infoseg_bench.errors import first_few
from infoseg_bench.images.label_images import Colour, palette_colours, stored_values
from infoseg_bench.images.photo_files import Listing, list_folder
from infoseg_bench.images.photos import UNDECODABLE

SUFFIXES = frozenset({".png", ".npy"})


class Unscorable(Exception):
    """A file cannot be scored; it has the kind of fault with its remedy, and a detail for this file."""

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(kind, detail)
        self.kind = kind
        self.detail = detail


class Faults:
    """The faults of a folder of label maps, grouped by kind, with the number of files and the first names."""

    def __init__(self) -> None:
        self._names: dict[str, list[str]] = {}

    def __bool__(self) -> bool:
        return bool(self._names)

    def add(self, kind: str, names: Sequence[str]) -> None:
        """Add names to a kind of fault."""
        if names:
            self._names.setdefault(kind, []).extend(names)

    def __str__(self) -> str:
        return "; ".join(f"{len(names)} {kind}: {first_few(names)}" for kind, names in self._names.items())


def find_label_files(folder: Path) -> Listing:
    """List the label maps of a folder and its subfolders.

    Raises:
        UserError: the folder cannot be read
    """
    return list_folder(folder, SUFFIXES)


def read_label_map(path: Path) -> tuple[Int64[np.ndarray, "height width"], dict[int, Colour] | None]:
    """Read whole numbers from 0: a PNG of one channel or with a palette (its indices), or an NPY array.

    Returns:
        the numbers, and the colours of those that occur if the file has a palette

    Raises:
        Unscorable: the file has colours, fractions or negative numbers, or cannot be decoded
    """
    array, palette = (_read_npy(path), None) if path.suffix.lower() == ".npy" else _read_png(path)
    if array.dtype.kind not in "iub":
        raise Unscorable(
            f"of type {array.dtype}, no whole numbers: take the argmax of scores, or .astype(int)"
        )
    if array.ndim != 2:
        raise Unscorable("not of height x width: use one number per pixel", f" {array.shape}")
    if array.min(initial=0) < 0:
        raise Unscorable("with negative numbers: every pixel needs a cluster of 0 or more")
    if array.max(initial=0) > np.iinfo(np.int64).max:
        raise Unscorable("with numbers beyond 64 bits: number the clusters from 0")
    return array.astype(np.int64), palette


def _read_npy(path: Path) -> np.ndarray:
    try:
        loaded = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError, MemoryError) as error:
        raise Unscorable(
            "not readable: write them again", f" ({' '.join(str(error).split())[:80]})"
        ) from None
    if not isinstance(loaded, np.ndarray):
        raise Unscorable("not one array: save each with numpy.save")
    return loaded


def _read_png(path: Path) -> tuple[np.ndarray, dict[int, Colour] | None]:
    try:
        with Image.open(path) as image:
            mode, array = image.mode, stored_values(image)
            palette = palette_colours(image, array)
    except UNDECODABLE:
        raise Unscorable("not decodable as images: write them again") from None
    if array.ndim != 2:
        raise Unscorable(
            f"colour images ({mode}), a palette mistaken for classes: save the class numbers themselves, "
            "as greyscale or palette PNG"
        )
    return array, palette
