"""Segmented photos for people: label PNG, overlay, legend."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

from infoseg_bench.data.view import VOID
from infoseg_bench.utils.atomic import write_atomic

SHARE = 0.5
"""Of the class's colour in an overlay; the rest is the photo; chosen by this project."""
ROW, SWATCH, MARGIN = 28, 20, 8
"""Sizes of a legend in pixels; chosen by this project."""
Palette = Sequence[tuple[int, int, int]]


def write_labels(path: Path, labels: UInt8[np.ndarray, "height width"], palette: Palette) -> None:
    """Write class indices as a palette PNG; colours without a class, such as VOID's, are black."""
    image = Image.fromarray(labels)
    image.putpalette(colour_table(palette).tobytes())
    _write(path, image)


def write_overlay(
    path: Path,
    photo: UInt8[np.ndarray, "height width 3"],
    labels: UInt8[np.ndarray, "height width"],
    palette: Palette,
) -> None:
    """Write the photo with every pixel tinted in its class's colour."""
    # In place of floats, which would take many times the photo's memory.
    tinted = Image.blend(Image.fromarray(photo), Image.fromarray(colour_table(palette)[labels]), SHARE)
    _write(path, tinted)


def write_legend(path: Path, classes: Sequence[str], palette: Palette) -> None:
    """Write the classes' names beside their colours."""
    font = ImageFont.load_default(SWATCH - 4)
    width = max(int(font.getlength(name)) for name in classes) + SWATCH + 3 * MARGIN
    image = Image.new("RGB", (width, ROW * len(classes) + MARGIN), "white")
    draw = ImageDraw.Draw(image)
    for index, (name, colour) in enumerate(zip(classes, palette, strict=True)):
        top = MARGIN + ROW * index
        draw.rectangle((MARGIN, top, MARGIN + SWATCH, top + SWATCH), fill=tuple(colour), outline="black")
        draw.text((SWATCH + 2 * MARGIN, top), name, fill="black", font=font)
    _write(path, image)


def colour_table(palette: Palette) -> UInt8[np.ndarray, "256 3"]:
    """Return the colour of every label; black beyond the classes."""
    table = np.zeros((VOID + 1, 3), dtype=np.uint8)
    table[: len(palette)] = palette
    return table


def _write(path: Path, image: Image.Image) -> None:
    write_atomic(path, lambda handle: image.save(handle, "PNG"), durable=False)
