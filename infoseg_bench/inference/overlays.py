"""Image files of segmented photos: label PNG, overlay and legend."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

from infoseg_bench.data.view import VOID
from infoseg_bench.images.fonts import font_for
from infoseg_bench.utils.atomic import write_atomic, write_text

LEGEND = "legend.png"
SHARE = 0.5
"""Opacity of the class's colour in an overlay; chosen by this project."""
ROW, SWATCH, MARGIN = 28, 20, 8
"""Sizes in a legend, in pixels; chosen by this project."""
STRIP = 256
"""Number of rows processed at a time; chosen by this project."""
Palette = Sequence[tuple[int, int, int]]


def write_labels(path: Path, labels: UInt8[np.ndarray, "height width"], palette: Palette) -> None:
    """Write class indices as a palette PNG; indices without a class, such as VOID, are black."""
    image = Image.fromarray(labels)
    image.putpalette(colour_table(palette).tobytes())
    _write(path, image)


def write_overlay(
    path: Path,
    photo: UInt8[np.ndarray, "height width 3"],
    labels: UInt8[np.ndarray, "height width"],
    palette: Palette,
) -> None:
    """Write the photo with every pixel tinted in the colour of its class."""
    height, width = labels.shape
    tinted, colours = Image.new("RGB", (width, height)), colour_table(palette)
    # Processing strips saves the memory of two additional images, which matters for large photos.
    for top in range(0, height, STRIP):
        rows = slice(top, top + STRIP)
        strip = Image.blend(Image.fromarray(photo[rows]), Image.fromarray(colours[labels[rows]]), SHARE)
        tinted.paste(strip, (0, top))
    _write(path, tinted)


def write_legend(folder: Path, classes: Sequence[str], palette: Palette) -> str:
    """Write the names and colours of the classes as `legend.png` and as text in `legend.txt`.

    Returns:
        a warning if some names are replaced by numbers in `legend.png`, because no font has them; else ""
    """
    lines = [
        f"{index}\t#{red:02x}{green:02x}{blue:02x}\t{name}"
        for index, (name, (red, green, blue)) in enumerate(zip(classes, palette, strict=True))
    ]
    write_text(folder / "legend.txt", "\n".join(lines) + "\n", durable=False)
    font, shown = font_for(classes, SWATCH - 4), list(classes)
    if font is None:
        shown = [name if font_for([name], 1) is not None else f"class {i}" for i, name in enumerate(classes)]
        font = font_for(shown, SWATCH - 4) or ImageFont.load_default(SWATCH - 4)
    width = max(int(font.getlength(name)) for name in shown) + SWATCH + 3 * MARGIN
    image = Image.new("RGB", (width, ROW * len(shown) + MARGIN), "white")
    draw = ImageDraw.Draw(image)
    for index, (name, colour) in enumerate(zip(shown, palette, strict=True)):
        top = MARGIN + ROW * index
        draw.rectangle((MARGIN, top, MARGIN + SWATCH, top + SWATCH), fill=tuple(colour), outline="black")
        draw.text((SWATCH + 2 * MARGIN, top), name, fill="black", font=font)
    _write(folder / LEGEND, image)
    if shown == list(classes):
        return ""
    return f"no installed font has all class names: legend.png has numbers, see {folder / 'legend.txt'}"


def colour_table(palette: Palette) -> UInt8[np.ndarray, "256 3"]:
    """Return the colour of every label; black for labels that are not classes."""
    table = np.zeros((VOID + 1, 3), dtype=np.uint8)
    table[: len(palette)] = palette
    return table


def _write(path: Path, image: Image.Image) -> None:
    write_atomic(path, lambda handle: image.save(handle, "PNG"), durable=False)
