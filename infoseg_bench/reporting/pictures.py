"""Pictures of a report: columns of photos, ground truth and predictions, as PNG, GIF and for the page."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from infoseg_bench.contracts.registry import load_recipes
from infoseg_bench.data.catalogue import PreparedDataset, all_prepared
from infoseg_bench.records.spec import RunSpec
from infoseg_bench.reporting.drawing import canvas, style, wrap

OWN = "infoseg"
"""The paper's own method, which is shown first."""
METHODS, PER_LINE = 8, 4
"""Methods at most, and methods beside a photo and its ground truth; chosen by this project."""
PITCH, PICTURE, GAP, LINE = 1.6, 1.54, 0.08, 0.12
"""Width of a column, side of a picture, space around titles and height of one of their lines, in inches;
chosen by this project."""


@dataclass(frozen=True, eq=False)
class Column:
    """A column of pictures: its title, a picture per photo, and captions."""

    title: str
    images: UInt8[np.ndarray, "photo height width 3"]
    captions: Sequence[str]

    def head(self, photo: int) -> str:
        """Return the lines above a picture: the title, then the caption."""
        parts = (self.title, self.captions[photo])
        return "\n".join(wrap(part, 26) for part in parts if part)


@dataclass(frozen=True, eq=False)
class Panel:
    """One selection of photos: its name, and columns of photo, ground truth and a prediction per method."""

    name: str
    columns: tuple[Column, ...]

    @property
    def lines(self) -> list[list[Column]]:
        """The columns in lines of `PER_LINE` methods, photo and ground truth repeated in each."""
        given, methods = list(self.columns[:2]), list(self.columns[2:])
        return [given + methods[start : start + PER_LINE] for start in range(0, len(methods), PER_LINE)]

    def png(self) -> bytes:
        """Draw the whole panel as a PNG on white."""
        out = io.BytesIO()
        photos, side = self.columns[0].images.shape[:2]
        lines, wide = self.lines, min(len(self.columns), PER_LINE + 2)
        rows = [(line, photo) for photo in range(photos) for line in lines]
        heads = [max(column.head(photo).count("\n") + 1 for column in line) for line, photo in rows]
        bottoms = np.cumsum([2 * GAP + LINE * head + PICTURE for head in heads])
        with style():
            figure = canvas(PITCH * wide, bottoms[-1])
            # One pair of axes, in inches, for all pictures: to draw many takes longer than the pictures.
            axes = figure.add_axes((0, 0, 1, 1))
            axes.set_axis_off()
            for bottom, (line, photo) in zip(bottoms, rows, strict=True):
                for index, column in enumerate(line):
                    left, top = PITCH * index, bottom - PICTURE
                    where = (left, left + PICTURE, bottom, top)
                    axes.imshow(column.images[photo], extent=where, interpolation="nearest", aspect="auto")
                    axes.text(left, top - GAP, column.head(photo), fontsize=7, va="bottom")
            axes.set_xlim(0, PITCH * wide)
            axes.set_ylim(bottoms[-1], 0)
            figure.savefig(
                out, format="png", dpi=max(100, side), facecolor="white", metadata={"Software": None}
            )
        return out.getvalue()


@dataclass(frozen=True, kw_only=True)
class Panels:
    """A board's panels.

    Attributes:
        panels: none where photos or weights are not available
        films: GIFs of predictions along the training, by the run's title; of runs that kept snapshots
        notes: what is missing, or differs from the records
        publishable: whether the licence of the photos lets these pictures be published
    """

    panels: tuple[Panel, ...] = ()
    films: Mapping[str, bytes] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    publishable: bool = False

    def files(self) -> dict[str, bytes]:
        """Return every picture as a file, by name."""
        drawn = {f"{panel.name.replace(' ', '-')}.png": panel.png() for panel in self.panels}
        return drawn | {
            f"training-{number}.gif": film for number, film in enumerate(self.films.values(), start=1)
        }


def photos_of(
    data: Path | None, spec: RunSpec, plugins: Sequence[Path] = ()
) -> tuple[PreparedDataset | None, bool]:
    """Return the prepared data of a run, None if they are not here, and whether pages may show them to all.

    Args:
        data: folder of the stores; None: there is none
        spec: of the run
        plugins: files with more recipes
    """
    stores = all_prepared(data)[0].get(spec.dataset, []) if data and data.is_dir() else []
    found = next((one for one in stores if one.store.fingerprint == spec.fingerprint), None)
    if found is None:
        return None, True
    recipe = load_recipes(plugins).recipes.get(str(found.store.attributes.get("recipe")))
    return found, recipe is not None and recipe.republishable


def data_uri(image: UInt8[np.ndarray, "height width 3"] | bytes, *, photo: bool = False) -> str:
    """Return a picture for a page: a photo as JPEG, a label map as PNG; bytes are those of a GIF."""
    if isinstance(image, bytes):
        kind, content = "gif", image
    else:
        kind, out, picture = "jpeg" if photo else "png", io.BytesIO(), Image.fromarray(image)
        if photo:
            picture.save(out, "JPEG", quality=88)
        else:
            picture.quantize(256, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
        content = out.getvalue()
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
