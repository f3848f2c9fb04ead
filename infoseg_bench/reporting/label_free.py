"""What can be said of a run without any label: how its clusters are used, and how its training ended."""

from __future__ import annotations

import pandas as pd

from infoseg_bench.reporting.boards import Board
from infoseg_bench.reporting.table import Table, filled

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
    lines = []
    for row, label in rows["label"].items():
        runs = board.runs[board.runs["row"] == row]
        line = {
            "method": label,
            "clusters": str(runs["clusters"].iloc[0]),
            "clusters in effect": f"{runs['effective_clusters'].mean():.1f}",
            "largest cluster, % of pixels": f"{100 * runs['largest_cluster'].mean():.1f}",
        }
        ends = pd.DataFrame([_ends(board, identity) for identity in runs.index])
        lines.append(
            line | {str(name).replace("_", " "): f"{value:.3g}" for name, value in ends.mean().items()}
        )
    shown = filled(pd.DataFrame(lines).fillna(""))
    notes = ("Clusters in effect: exp of the entropy of the clusters' shares of the scored pixels.",)
    return Table(title="Diagnostics without labels", shown=shown, notes=notes)


def _ends(board: Board, identity: str) -> dict[str, float]:
    ends: dict[str, float] = {}
    for line in board.loaded[identity].folder.curve():
        ends |= {
            name: value for name, value in line.items() if "loss" not in name and name not in NOT_DIAGNOSTIC
        }
    return ends
