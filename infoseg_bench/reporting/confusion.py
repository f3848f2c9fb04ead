"""Confusion matrices: matched, as CSV of pixels and of shares, and as a figure of shares."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64, Int64

from infoseg_bench.reporting.svg import FILL, Drawing, shorten
from infoseg_bench.scoring.matching import one_to_one

UNMATCHED_TITLE = "(unmatched)"
CELL = 30
MARGIN = 112
LONGEST_NAME = 17


def matched_confusion(
    counts: Int64[np.ndarray, "cluster cls"],
) -> Int64[np.ndarray, "truth predicted"]:
    """Return pixels by true class and predicted class; the last column is of unmatched clusters."""
    return one_to_one(counts).histogram(counts).T


def row_shares(
    confusion: Int64[np.ndarray, "truth predicted"],
) -> Float64[np.ndarray, "truth predicted"]:
    """Return every true class's shares of predictions; a class that does not occur has none."""
    return np.asarray(confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1))


def confusion_csv(counts: Int64[np.ndarray, "cluster cls"], classes: list[str]) -> str:
    """Return the matrix in pixels, a row per true class, a column per predicted one."""
    return _csv(matched_confusion(counts), classes)


def confusion_shares_csv(counts: Int64[np.ndarray, "cluster cls"], classes: list[str]) -> str:
    """Return the row-normalised matrix: shares of every true class's pixels, in [0, 1]."""
    return _csv(row_shares(matched_confusion(counts)), classes)


def _csv(matrix: np.ndarray, classes: list[str]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["true class", *classes, UNMATCHED_TITLE])
    for name, row in zip(classes, matrix.tolist(), strict=True):
        writer.writerow([name, *row])
    return out.getvalue()


def confusion_figure(counts: Int64[np.ndarray, "cluster cls"], classes: list[str], title: str) -> str:
    """Draw the share of every true class's pixels that each class was predicted for, as SVG."""
    pixels = matched_confusion(counts)
    columns = [*classes, UNMATCHED_TITLE] if pixels[:, -1].any() else list(classes)
    shares = row_shares(pixels)[:, : len(columns)]
    height = MARGIN + CELL * len(classes) + 24
    width = max(MARGIN + CELL * len(columns) + 12, 270)
    drawing = Drawing(width, height, f"Confusion matrix: {title}")
    drawing.text(4, height - 8, "rows: true class, columns: predicted class, % of the row", font_size=9)
    _names(drawing, classes, columns)
    for (row, column), share in np.ndenumerate(shares):
        _cell(drawing, row, column, float(share))
    return drawing.xml()


def _names(drawing: Drawing, classes: Sequence[str], columns: Sequence[str]) -> None:
    for row, name in enumerate(classes):
        y = MARGIN + CELL * (row + 0.5) + 4
        drawing.text(MARGIN - 6, y, shorten(name, LONGEST_NAME), text_anchor="end")
    for column, name in enumerate(columns):
        x, y = MARGIN + CELL * (column + 0.5) + 4, MARGIN - 6
        drawing.text(x, y, shorten(name, LONGEST_NAME), transform=f"rotate(-90 {x} {y})")


def _cell(drawing: Drawing, row: int, column: int, share: float) -> None:
    x, y = MARGIN + CELL * column, MARGIN + CELL * row
    drawing.add(
        "rect", x=x, y=y, width=CELL, height=CELL,
        fill=FILL, fill_opacity=round(share, 3), stroke="currentColor", stroke_opacity=0.25,
    )  # fmt: skip
    if share >= 0.005:
        colour = {"fill": "#ffffff"} if share > 0.75 else {}
        middle = {"text_anchor": "middle", **colour}
        drawing.text(x + CELL / 2, y + CELL / 2 + 4, f"{100 * share:.0f}", **middle)
