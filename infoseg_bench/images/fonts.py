"""Fonts for names in any script."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from PIL import ImageFont

LATIN = 0x180
"""Pillow's own font (Aileron) has the code points below this one: Basic Latin to Latin Extended-A."""

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def font_for(texts: Iterable[str], size: int) -> Font | None:
    """Return a font that has every character of `texts`.

    Pillow's own font is preferred, then Matplotlib's DejaVu Sans, then any font installed on this system.

    Args:
        texts: the strings to draw
        size: font size in pixels

    Returns:
        the font; None if no font has all of the characters
    """
    whole = "".join(texts)
    if all(ord(character) < LATIN or character.isspace() for character in whole):
        return ImageFont.load_default(size)
    file = font_file(whole)
    return None if file is None else ImageFont.truetype(file, size)


def font_file(text: str) -> str | None:
    """Return the file of Matplotlib's DejaVu Sans, or else of an installed font, that has every character."""
    return _font_file(frozenset(character for character in text if not character.isspace()))


@cache
def _font_file(characters: frozenset[str]) -> str | None:
    from matplotlib import font_manager

    first = Path(font_manager.findfont("DejaVu Sans"))
    files = [str(first), *sorted(font_manager.findSystemFonts())]
    wanted = {ord(character) for character in characters}
    return next((file for file in files if wanted <= _code_points(file)), None)


@cache
def _code_points(file: str) -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

    # Fonts without a character map, or in formats that FreeType does not know, are skipped.
    try:
        return frozenset(FT2Font(file).get_charmap())
    except (RuntimeError, OSError, ValueError):
        return frozenset()
