"""What can be said of a run without any label: how its clusters are used, and how its training ended."""

from __future__ import annotations

import pandas as pd

from infoseg_bench.reporting.boards import Board
from infoseg_bench.reporting.table import Table

REGIMES = (
    "InfoSeg's information grows in two regimes: as a segmentation, whose classes depend on what an image "
    "shows, and as a code book, where K fixed and evenly used codes reach a high value while they know "
    "nothing of the image; a low image share gives the second away."
)
"""Measured by this project: with K fixed, evenly used codes, JSD + 2 log 2 is already 0.637 for K = 3."""
NOT_DIAGNOSTIC = ("step", "pixel_accuracy", "learning_rate", "lr", "seconds")


def diagnostics(board: Board, number: int) -> Table:
    """Return a line per row with label-free figures: means over the seeds, those of curves at their ends."""
    rows = board.leading(number)
    runs = board.runs[board.runs["row"].isin(rows.index)]
    ends = pd.DataFrame([_ends(board, str(identity)) for identity in runs.index], index=runs.index)
    means = runs[["clusters", "effective_clusters", "largest_cluster"]].join(ends).groupby(runs["row"]).mean()
    means["largest_cluster"] *= 100
    means.columns = means.columns.str.replace("_", " ")
    titles = {"effective clusters": "clusters in effect", "largest cluster": "largest cluster, % of pixels"}
    shown = means.loc[rows.index].map("{:.3g}".format, na_action="ignore").fillna("").rename(columns=titles)
    shown.insert(0, "method", rows["label"])
    note = "Clusters in effect: exp of the entropy of the clusters' shares of the scored pixels."
    return Table(title="Diagnostics without labels", shown=shown, notes=(note,))


def _ends(board: Board, identity: str) -> dict[str, float]:
    lines = board.loaded[identity].folder.curve()
    ends = {name: value for line in lines for name, value in line.items()}
    return {name: value for name, value in ends.items() if "loss" not in name and name not in NOT_DIAGNOSTIC}
