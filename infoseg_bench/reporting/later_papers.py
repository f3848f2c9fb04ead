"""What later papers have published on the data of a report, beside its boards and never mixed with them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict

import pandas as pd

from infoseg_bench.reporting.published_figures import later_figures
from infoseg_bench.reporting.table import Table, percent

NOTES = (
    "As printed elsewhere, not measured; the sources are in the CSV file.",
    "Remarks: what a score of this project does not do, or what is unknown about the protocol.",
)


def later_papers(datasets: Collection[str]) -> Table | None:
    """Return the figures of later papers on these data sets; None if there are none."""
    figures = [figure for figure in later_figures() if figure.dataset in datasets]
    if not figures:
        return None
    numbers = pd.DataFrame(
        [{**asdict(figure), "marks": "; ".join(figure.marks)} for figure in figures]
    ).astype({"pixel_accuracy": float, "mean_iou": float})
    shown = pd.DataFrame(
        {
            "method": numbers["method"],
            "data set": numbers["dataset"],
            "read out by": numbers["readout"],
            "PA": percent(numbers["pixel_accuracy"]),
            "mean IoU": percent(numbers["mean_iou"]),
            "pre-trained": numbers["pretraining"],
            "remarks": numbers["marks"],
        }
    )
    return Table(title="Published by later papers", shown=shown, numbers=numbers, notes=NOTES).cut()
