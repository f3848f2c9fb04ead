"""How figures are drawn: one style, SVG for pages and PDF for papers, the same bytes for the same data."""

from __future__ import annotations

import io
import re
import textwrap
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

from infoseg_bench.images.fonts import font_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK = "#010203"
"""What the style gives to text and axes; in an SVG it becomes the colour of the text around the figure."""
BLUE, ORANGE = "#0072b2", "#d55e00"


@dataclass(frozen=True)
class Drawing:
    """A figure in its final forms: `svg`, with its description inside, and `pdf`, where it was asked for."""

    svg: str
    pdf: bytes | None = None


@contextmanager
def style() -> Iterator[None]:
    """Draw and save figures in the report's style; characters that no font has may be drawn as boxes."""
    import matplotlib as mpl

    with (
        as_file(files("infoseg_bench.reporting") / "figures.mplstyle") as path,
        mpl.rc_context(fname=path),
        warnings.catch_warnings(),
    ):
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from")
        yield


def canvas(width: float, height: float) -> Figure:
    """Return an empty figure of a size in inches; use it within `style()`."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=72)


def finish(figure: Figure, name: str, description: str, *, pdf: bool) -> Drawing:
    """Save a figure.

    Args:
        figure: drawn within `style()`
        name: unique on a page; ids within the SVG begin with it
        description: what the figure shows, for those who do not see it
        pdf: make a PDF too
    """
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    import matplotlib as mpl

    # What the style's "tight" would find too, but by drawing everything once more.
    box = figure.get_tightbbox().padded(mpl.rcParams["savefig.pad_inches"])
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata=nothing, bbox_inches=box)
    paper = io.BytesIO() if pdf else None
    if paper is not None:
        _choose_fonts(figure)
        figure.savefig(paper, format="pdf", metadata={"CreationDate": None}, bbox_inches=box)
    return Drawing(_embeddable(out.getvalue(), name, description), paper.getvalue() if paper else None)


def _choose_fonts(figure: Figure) -> None:
    """Give texts that the style's font cannot show a font that can; a browser does so for an SVG itself."""
    from matplotlib.text import Text

    for text in figure.findobj(lambda artist: isinstance(artist, Text) and not artist.get_text().isascii()):
        assert isinstance(text, Text)
        file = font_file(text.get_text())
        if file not in (None, font_file("")):
            font = text.get_fontproperties().copy()
            font.set_file(file)
            text.set_fontproperties(font)


def clean(text: str) -> str:
    """Make one line of a text, without characters that XML cannot hold."""
    return "".join(character for character in " ".join(text.split()) if character.isprintable())


def wrap(text: str, width: int) -> str:
    """Break a label into lines of at most `width` characters; nothing is cut off."""
    return "\n".join(textwrap.wrap(clean(text), width)) or " "


def _embeddable(svg: str, name: str, description: str) -> str:
    """Fit matplotlib's SVG into a page: attributes for styles, which its policy refuses, and unique ids."""
    _, _, body = svg.partition("<svg")
    body = re.sub(r"<style.*?</style>|<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r'style="([^"]*)"', lambda found: _attributes(found[1]), body)
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', body))
    body = re.sub(
        r' id="([^"]*)"', lambda found: f' id="{name}-{found[1]}"' if found[1] in used else "", body
    )
    body = re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", body).replace(INK, "currentColor")
    text = escape(clean(description))
    head = f'role="img" aria-label="{text}" stroke-linejoin="round" font-family="system-ui, sans-serif"'
    start, _, rest = body.partition(">")
    return f"<svg {head}{start}><title>{text}</title>{rest}"


def _attributes(css: str) -> str:
    pairs = (part.partition(":") for part in css.split(";") if part.strip())
    found = {name.strip(): value.strip().replace('"', "'") for name, _, value in pairs}
    if font := found.pop("font", None):
        size = re.search(r"([\d.]+)px", font)
        found |= {"font-size": size[1]} if size else {}
        found |= {"font-weight": "bold"} if "bold" in font or "700" in font else {}
    found.pop("font-family", None)
    return " ".join(f'{name}="{value}"' for name, value in found.items())
