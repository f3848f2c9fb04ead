"""Figures as SVG: small, the same for the same data, at home on light and dark pages and in print.

Text and axes are in the surrounding text's colour (`currentColor`: black in a file of its own). Colours
that tell series apart are Okabe and Ito's, which the colour-blind can tell too (jfly.uni-koeln.de/color);
series differ in dash as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree

SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
DASHES = ("", "6 3", "2 2", "8 3 2 3", "1 3", "10 4")
FILL = "#005a9e"
FONT = 11

Number = float | int
"""A length in pixels."""


class Drawing:
    """An SVG under construction; coordinates are pixels from the upper left corner."""

    def __init__(self, width: Number, height: Number, description: str) -> None:
        """Begin it.

        Args:
            width: of the drawing
            height: of the drawing
            description: what it shows, for those who do not see it
        """
        self._root = ElementTree.Element(
            "svg",
            {
                "xmlns": "http://www.w3.org/2000/svg",
                "viewBox": f"0 0 {width:g} {height:g}",
                "width": f"{width:g}",
                "height": f"{height:g}",
                "role": "img",
                "aria-label": clean(description),
                "font-family": "system-ui, sans-serif",
                "font-size": str(FONT),
                "fill": "currentColor",
            },
        )
        ElementTree.SubElement(self._root, "title").text = clean(description)

    def add(self, kind: str, **attributes: object) -> ElementTree.Element:
        """Add a shape; underscores in attribute names stand for hyphens."""
        texts = {name.strip("_").replace("_", "-"): _text(value) for name, value in attributes.items()}
        return ElementTree.SubElement(self._root, kind, texts)

    def text(self, x: Number, y: Number, words: str, **attributes: object) -> None:
        """Write text whose baseline begins at a point."""
        self.add("text", x=x, y=y, **attributes).text = clean(words)

    def line(self, x1: Number, y1: Number, x2: Number, y2: Number, **attributes: object) -> None:
        """Draw a line, thin and in the text's colour unless told otherwise."""
        self.add("line", x1=x1, y1=y1, x2=x2, y2=y2, **{"stroke": "currentColor", **attributes})

    def path(self, points: Iterable[tuple[Number, Number]], **attributes: object) -> None:
        """Draw a line through points."""
        self.add(
            "polyline", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in points), fill="none", **attributes
        )

    def xml(self) -> str:
        """Return it as text."""
        return ElementTree.tostring(self._root, encoding="unicode") + "\n"


def clean(text: str) -> str:
    """Make one line of a text, without characters that XML cannot hold."""
    return "".join(character for character in " ".join(text.split()) if character.isprintable())


def shorten(text: str, length: int) -> str:
    """Cut a text that would not fit."""
    words = clean(text)
    return words if len(words) <= length else words[: length - 1] + "…"


def _text(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
