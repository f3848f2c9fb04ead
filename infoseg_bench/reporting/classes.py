"""Class by class: scores, balance, and which classes are taken for which.

A class contributes the right pixels of that class over all pixels, so a row's contributions add up to
its PA. Summed from the largest class down they show how few classes make a figure (InfoSeg section 5.2).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from jaxtyping import Float64, Int64

from infoseg_bench.reporting.boards import Board
from infoseg_bench.reporting.leaderboard import tags_of
from infoseg_bench.reporting.loaded_runs import Run
from infoseg_bench.reporting.table import TABLE_ROWS, Table, percent
from infoseg_bench.scoring.matching import one_to_one

UNMATCHED_TITLE = "(unmatched)"
SCORES = ["iou", "class_accuracy", "share_predicted", "contribution"]


def matched_confusion(counts: Int64[np.ndarray, "cluster cls"]) -> Int64[np.ndarray, "truth predicted"]:
    """Return pixels by true class and predicted class; the last column is of unmatched clusters."""
    return one_to_one(counts).histogram(counts).T


def row_shares(confusion: Int64[np.ndarray, "truth predicted"]) -> Float64[np.ndarray, "truth predicted"]:
    """Return every true class's shares of predictions; a class that does not occur has none."""
    return np.asarray(confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1))


def confusion_frame(board: Board, rows: int) -> pd.DataFrame:
    """Return a line per run, true class and predicted class of the leading rows: pixels, and their share."""
    runs = [run for row in board.leading(rows).index for run in board.seeds[str(row)]]
    names = board.facts.classes
    cells = (len(runs), len(names), len(names) + 1)
    run, true, predicted = (place.ravel() for place in np.indices(cells))
    confusions = [matched_confusion(one.counts) for one in runs]
    return pd.DataFrame(
        {
            "run": np.array([one.record.identity for one in runs])[run],
            "label": board.rows["label"][[one.record.row for one in runs]].to_numpy()[run],
            "seed": np.array([one.record.spec.seed for one in runs])[run],
            "true_class": np.array(names, dtype=object)[true],
            "predicted_class": np.array([*names, UNMATCHED_TITLE], dtype=object)[predicted],
            "pixels": np.ravel(confusions),
            "share_of_true_class": np.ravel([*map(row_shares, confusions)]),
        }
    )


def class_frame(board: Board) -> pd.DataFrame:
    """Return a line per row and class, from the largest class down: shares in [0, 1], means over the seeds.

    `share_predicted` is the share of all pixels that the class was predicted for; `contribution` adds up to
    the row's PA, `cumulative_contribution` is the sum up to this class.
    """
    shares = class_shares(board)
    order = np.argsort(-shares, kind="stable")
    names = [board.facts.classes[cls] for cls in order]
    index = pd.MultiIndex.from_product([board.rows.index, names], names=["row", "class"])
    means = (np.mean([_class_scores(run) for run in runs], axis=0) for runs in board.seeds.values())
    scores = np.concatenate([mean.T[order] for mean in means])
    frame = pd.DataFrame(scores, index, SCORES).reset_index()
    frame.insert(1, "label", frame["row"].map(board.rows["label"]))
    frame.insert(3, "share_of_pixels", np.tile(shares[order], len(board.rows)))
    frame["cumulative_contribution"] = frame.groupby("row")["contribution"].cumsum()
    return frame


def _class_scores(run: Run) -> Float64[np.ndarray, "score cls"]:
    last, total, confusion = (
        run.record.last.one_to_one,
        run.counts.sum(),
        matched_confusion(run.counts)[:, :-1],
    )
    found = [last.iou, last.class_accuracy, confusion.sum(axis=0) / total, confusion.diagonal() / total]
    return np.array(found, dtype=float)


def class_shares(board: Board) -> Float64[np.ndarray, " cls"]:
    """Return every class's share of the scored pixels, in [0, 1]."""
    totals = next(iter(board.loaded.values())).counts.sum(axis=0)
    return np.asarray(totals / totals.sum())


def class_table(board: Board, frame: pd.DataFrame) -> Table:
    """Return the IoU of every class, a line per row and one for the classes' share of the pixels.

    Args:
        board: the board
        frame: from `class_frame`
    """
    rows, classes = board.rows[:TABLE_ROWS], len(board.facts.classes)
    values = frame["iou"].to_numpy().reshape(-1, classes)
    cells = [[label, *percent(row)] for label, row in zip(rows["label"], values[: len(rows)], strict=True)]
    shares = ["share of pixels", *percent(frame["share_of_pixels"][:classes])]
    note = "IoU in %, mean over the seeds, classes from the largest down; classes.csv has accuracies too."
    return Table(
        title="IoU of every class",
        shown=pd.DataFrame([*cells, shares], columns=["method", *frame["class"][:classes]]),
        notes=(note,),
        tags=[*tags_of(rows), ()],
    )
