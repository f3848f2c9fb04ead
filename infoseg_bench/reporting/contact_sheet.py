"""Pictures side by side: a column per kind, a row per photo, with captions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

from infoseg_bench.reporting.svg import shorten

SIDE, GAP, HEAD, FOOT = 128, 6, 22, 16
LETTER = 6.4


@dataclass(frozen=True, eq=False)
class Column:
    """A column: its title, a picture per photo, and a caption under each."""

    title: str
    images: UInt8[np.ndarray, "photo height width 3"]
    captions: tuple[str, ...] = ()

    def pick(self, places: Sequence[int]) -> Column:
        """Return the same column for some of its photos."""
        captions = tuple(self.captions[place] for place in places) if self.captions else ()
        return Column(self.title, self.images[list(places)], captions)


def contact_sheet(columns: Sequence[Column], ids: Sequence[str]) -> UInt8[np.ndarray, "height width 3"]:
    """Draw columns on white; `ids` are the photos' names, under the first column."""
    side = max(SIDE, columns[0].images.shape[1])
    size = (
        GAP + (side + GAP) * len(columns),
        HEAD + (side + FOOT + GAP) * len(ids),
    )
    sheet = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    letters = int(side / LETTER)
    for place, column in enumerate(columns):
        x = GAP + place * (side + GAP)
        draw.text((x, 4), shorten(column.title, letters), fill="black", font=font)
        captions = column.captions or (tuple(ids) if place == 0 else ("",) * len(ids))
        for row, (image, caption) in enumerate(zip(column.images, captions, strict=True)):
            y = HEAD + row * (side + FOOT + GAP)
            sheet.paste(Image.fromarray(image).resize((side, side), Image.Resampling.NEAREST), (x, y))
            draw.text((x, y + side + 1), shorten(caption, letters), fill="black", font=font)
    return np.asarray(sheet)
