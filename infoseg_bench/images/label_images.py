"""Reading label maps from image files: class numbers, palette indices or colours."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageFile

from infoseg_bench.errors import FileError
from infoseg_bench.images.photos import bits_per_sample, has_several, image_file, orientation, raw_mode
from infoseg_bench.utils.source_files import OfficialFile

GREY_STEPS = {"2": 85, "4": 17}
"""Pillow stretches 2-bit and 4-bit greyscale to 0..255: bits to the step between two stored values."""

Colour = tuple[int, int, int]


@dataclass(frozen=True, kw_only=True)
class LabelImage:
    """A label map read from an image file.

    Attributes:
        codes: grey levels or palette indices
        palette: colour of every index that occurs; None for greyscale
    """

    codes: UInt8[np.ndarray, "height width"]
    palette: dict[int, Colour] | None


def read_labels(path: Path | OfficialFile) -> UInt8[np.ndarray, "height width"]:
    """Return the codes of a label map; raises the errors of `open_labels`."""
    return open_labels(path).codes


def open_labels(path: Path | OfficialFile, *, upright: bool = False) -> LabelImage:
    """Read a label map: a greyscale image, or a palette image whose indices are the labels.

    Greyscale of 1, 2 or 4 bits is read as stored; 16 bits are accepted if all values are below 256.

    Args:
        path: a file of any format that Pillow decodes
        upright: whether to turn it as its EXIF orientation says, if it has one

    Raises:
        FileError: missing, damaged, a colour image, of several pages, or a value over 255
    """
    with image_file(path, "label map") as image:
        _refuse_several(image, path)
        values = stored_values(image)
        palette = palette_colours(image, values)
        mode = image.mode
        values = _turned(values, image) if upright else values
    if values.dtype.kind == "f":
        what, remedy = "floating-point numbers, not class numbers", "save whole numbers of 0 to 255"
        raise FileError(path, what, remedy)
    if values.ndim != 2:
        raise FileError(
            path,
            f"a colour image ({mode}), not a label map",
            "use PNGs with one channel (greyscale or palette) whose values are class numbers, or "
            "name the colours with --classes NAME=#rrggbb,... or a class map",
        )
    for value, side in ((values.max(initial=0), "over 255"), (values.min(initial=0), "below 0")):
        if not 0 <= value <= 255:
            alone = f"label value {value} is {side}"
            raise FileError(path, f"label values {side}", "use values of 0 to 255", str(value), alone)
    return LabelImage(codes=values.astype(np.uint8), palette=palette)


def read_label_colours(
    path: Path | OfficialFile, *, upright: bool = False
) -> UInt8[np.ndarray, "height width 3"]:
    """Read a label map in which every colour stands for a class: RGB, RGBA, palette or greyscale.

    Pixels that are fully transparent are black, whatever colour lies under them.

    Args:
        path: a file of any format that Pillow decodes
        upright: whether to turn it as its EXIF orientation says, if it has one

    Raises:
        FileError: missing, damaged, of several pages, or of more than 8 bits per channel
    """
    with image_file(path, "label map") as image:
        _refuse_several(image, path)
        if bits_per_sample(image) > 8:
            kind = "a colour-coded label map with more than 8 bits per channel"
            raise FileError(path, kind, "save it with 8 bits")
        seen = np.asarray(image.convert("RGBA"))
        colours = np.where(seen[..., 3:] > 0, seen[..., :3], np.uint8(0))
        return _turned(colours, image) if upright else colours


def stored_values(image: ImageFile.ImageFile) -> np.ndarray:
    """Return the values stored in an image file: palette indices, or grey levels as before stretching."""
    mode = re.fullmatch(r"(?:1|L);([24]?)(I?)R?", raw_mode(image))
    values = np.asarray(image)
    if mode is None:
        return values
    # An I stands for the TIFFs in which 0 is white; Pillow inverts them.
    stored = np.invert(values) if mode[2] else values
    return stored if stored.dtype == bool else stored // np.uint8(GREY_STEPS.get(mode[1], 1))


def palette_colours(image: Image.Image, values: np.ndarray) -> dict[int, Colour] | None:
    """Return the colour of every palette index in `values`; None for an image without a palette."""
    if image.mode != "P":
        return None
    table = image.getpalette("RGB") or []
    used = (int(value) for value in np.flatnonzero(np.bincount(values.ravel())))
    return {
        value: (table[3 * value], table[3 * value + 1], table[3 * value + 2])
        for value in used
        if 3 * value + 2 < len(table)
    }


def _refuse_several(image: ImageFile.ImageFile, path: Path | OfficialFile) -> None:
    if has_several(image):
        raise FileError(path, "a label map of several pages or frames", "save the one that counts alone")


def _turned(values: np.ndarray, image: Image.Image) -> np.ndarray:
    """Turn an array of rows and columns as EXIF says of its image."""
    sides = {2: values[:, ::-1], 3: values[::-1, ::-1], 4: values[::-1], 6: np.rot90(values, -1)}
    across = {5: values.swapaxes(0, 1), 7: values[::-1, ::-1].swapaxes(0, 1), 8: np.rot90(values)}
    return np.ascontiguousarray({1: values, **sides, **across}[orientation(image)])
