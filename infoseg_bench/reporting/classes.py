"""Class by class: scores, balance, and which classes are taken for which.

A class contributes the right pixels of that class over all pixels, so a row's contributions add up to
its PA. Summed from the largest class down they show how few classes make a figure (InfoSeg section 5.2).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float64, Int64

from infoseg_bench.reporting.boards import Board
from infoseg_bench.reporting.loaded_runs import Run
from infoseg_bench.reporting.table import Table, percent
from infoseg_bench.scoring.matching import Matching, one_to_one

UNMATCHED_TITLE = "(unmatched)"


def matched_confusion(counts: Int64[np.ndarray, "cluster cls"]) -> Int64[np.ndarray, "truth predicted"]:
    """Return pixels by true class and predicted class; the last column is of unmatched clusters."""
    return one_to_one(counts).histogram(counts).T


def row_shares(confusion: Int64[np.ndarray, "truth predicted"]) -> Float64[np.ndarray, "truth predicted"]:
    """Return every true class's shares of predictions; a class that does not occur has none."""
    return np.asarray(confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1))


def confusion_csv(matrix: np.ndarray, classes: list[str]) -> str:
    """Return a matrix as CSV, a row per true class, a column per predicted one."""
    frame = pd.DataFrame(matrix, pd.Index(classes, name="true class"), [*classes, UNMATCHED_TITLE])
    return str(frame.to_csv(lineterminator="\n"))


def class_frame(board: Board) -> pd.DataFrame:
    """Return a line per row and class, from the largest class down: shares in [0, 1], means over the seeds.

    `share_predicted` is the share of all pixels that the class was predicted for; `contribution` adds up to
    the row's PA, `cumulative_contribution` is the sum up to this class.
    """
    shares = class_shares(board)
    order = np.argsort(-shares, kind="stable")
    parts = [_classes_of(board.seeds(row))[order] for row in board.rows.index]
    columns = ["iou", "class_accuracy", "share_predicted", "contribution"]
    frame = pd.DataFrame(np.concatenate(parts), columns=columns)
    lines = [
        (row, label, board.facts.classes[cls], shares[cls])
        for row, label in board.rows["label"].items()
        for cls in order
    ]
    frame[["row", "label", "class", "share_of_pixels"]] = pd.DataFrame(lines)
    frame["cumulative_contribution"] = frame.groupby("row")["contribution"].cumsum()
    return frame[["row", "label", "class", "share_of_pixels", *columns, "cumulative_contribution"]]


def _classes_of(runs: list[Run]) -> Float64[np.ndarray, "cls score"]:
    scores = []
    for run in runs:
        last, total = run.record.last.one_to_one, run.counts.sum()
        matching = Matching(kind="one-to-one", classes=np.array(last.matching))
        confusion = matching.histogram(run.counts)[:-1]
        found = [last.iou, last.class_accuracy, confusion.sum(axis=1) / total, confusion.diagonal() / total]
        scores.append(np.array(found, dtype=float))
    return np.asarray(np.mean(scores, axis=0).T)


def class_shares(board: Board) -> Float64[np.ndarray, " cls"]:
    """Return every class's share of the scored pixels, in [0, 1]."""
    totals = next(iter(board.loaded.values())).counts.sum(axis=0)
    return np.asarray(totals / totals.sum())


def class_table(board: Board, frame: pd.DataFrame, tags: Sequence[Sequence[str]]) -> Table:
    """Return the IoU of every class, a line per row and one for the classes' share of the pixels.

    Args:
        board: the board
        frame: from `class_frame`
        tags: of the first rows, which are those that are shown
    """
    names = list(frame["class"][: len(board.facts.classes)])
    values = frame["iou"].to_numpy().reshape(-1, len(names))
    labels = board.rows["label"][: len(tags)]
    cells = [[label, *percent(row)] for label, row in zip(labels, values[: len(tags)], strict=True)]
    shares = ["share of pixels", *percent(frame["share_of_pixels"][: len(names)])]
    return Table(
        title="IoU of every class",
        shown=pd.DataFrame([*cells, shares], columns=["method", *names]),
        notes=(
            "IoU in %, mean over the seeds, classes from the largest down; classes.csv has accuracies too.",
        ),
        tags=[*tags, ()],
    )
