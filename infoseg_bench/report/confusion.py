"""Confusion matrices: matched, as CSV of pixels and as a figure of shares."""

from __future__ import annotations

import csv
import io
from typing import IO

import numpy as np
from jaxtyping import Int64

from infoseg_bench.scoring.matching import one_to_one

UNMATCHED_TITLE = "(unmatched)"


def matched_confusion(
    counts: Int64[np.ndarray, "cluster cls"],
) -> Int64[np.ndarray, "truth predicted"]:
    """Give pixels by true class and predicted class; the last column is of unmatched clusters."""
    return one_to_one(counts).histogram(counts).T


def confusion_csv(counts: Int64[np.ndarray, "cluster cls"], classes: list[str]) -> str:
    """Give the matrix in pixels, a row per true class, a column per predicted one."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["true class", *classes, UNMATCHED_TITLE])
    for name, row in zip(classes, matched_confusion(counts).tolist(), strict=True):
        writer.writerow([name, *row])
    return out.getvalue()


def confusion_figure(
    counts: Int64[np.ndarray, "cluster cls"], classes: list[str], title: str, handle: IO[bytes]
) -> None:
    """Draw the share of every true class's pixels that each class was predicted for, as PNG."""
    from matplotlib.figure import Figure

    pixels = matched_confusion(counts)
    columns = list(classes)
    if pixels[:, -1].any():
        columns.append(UNMATCHED_TITLE)
    shares = pixels[:, : len(columns)] / np.maximum(pixels.sum(axis=1, keepdims=True), 1)
    side = 2.6 + 0.42 * len(columns)
    figure = Figure(figsize=(side + 0.9, side), dpi=120, layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shares, vmin=0, vmax=1, cmap="cividis")
    axes.set_xticks(range(len(columns)), columns, rotation=45, ha="right", parse_math=False)
    axes.set_yticks(range(len(classes)), classes, parse_math=False)
    axes.set(xlabel="predicted class", ylabel="true class")
    axes.set_title(title, fontsize=9, parse_math=False)
    for (row, column), share in np.ndenumerate(shares):
        if share >= 0.005:
            colour = "black" if share > 0.6 else "white"
            axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", color=colour, fontsize=7)
    figure.colorbar(image, ax=axes, label="share of the true class's pixels", shrink=0.8)
    # Without a date in the file, the same counts give the same file.
    figure.savefig(handle, format="png", metadata={"Software": None})
