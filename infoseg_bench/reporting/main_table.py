"""The layout of InfoSeg's Table 1: methods by data sets, the papers' figures beside the measured ones."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from infoseg_bench.reporting.boards import Board
from infoseg_bench.reporting.published_figures import published_datasets, published_table
from infoseg_bench.reporting.table import Table, percent

MEASURED = "Measured: PA in % at the last step, mean ± sample standard deviation over the seeds."
PRINTED = "Paper: as printed in InfoSeg's Table 1, where IIC's are of the best epoch, chosen with labels."
SETTINGS = "All settings of every line are in each board's CSV; they may differ between data sets."
MEAN, DEVIATION, PAPER = "pixel_accuracy_mean", "pixel_accuracy_std", "published_pixel_accuracy"


def main_tables(boards: Sequence[Board]) -> list[Table]:
    """Return a table per protocol; boards of different content of one data set are columns of their own."""
    protocols = sorted({board.protocol for board in boards})
    return [_table(protocol, [one for one in boards if one.protocol == protocol]) for protocol in protocols]


def _table(protocol: str, boards: list[Board]) -> Table:
    methods, datasets = [*published_table().index], published_datasets()
    boards.sort(key=lambda one: (datasets.index(one.dataset) if one.dataset in datasets else 99, one.name))
    # The first column has this title too.
    titles = {board.title if board.title != "method" else "data set method": board for board in boards}
    lines = pd.concat([_lines(board).assign(data=name) for name, board in titles.items()])
    published = any(board.dataset in datasets for board in boards)
    if published:
        absent = [name for name in methods if name not in set(lines["method"])]
        lines = pd.concat(
            [lines, *(_not_run(board, absent).assign(data=name) for name, board in titles.items())]
        )
    place = lines["method"].map(lambda name: methods.index(name) if name in methods else len(methods))
    wide = lines.assign(place=place).pivot(
        index=["place", "method", "line"], columns="data", values=[MEAN, DEVIATION, "n", PAPER]
    )
    shown = pd.DataFrame({"method": [*wide.index.get_level_values("line"), "constant prediction"]})
    numbers = shown
    for name, board in titles.items():
        cells = wide.xs(name, level="data", axis=1).reset_index(drop=True)
        cells.loc[len(cells), MEAN] = board.constant
        shown = shown.assign(**{name: percent(cells[MEAN], cells[DEVIATION])})
        if board.dataset in datasets:
            shown.loc[cells["n"] == 0, name] = "not run"
            shown[f"{name}, paper"] = percent(cells[PAPER])
        else:
            cells = cells.drop(columns=PAPER)
        cells["n"] = cells["n"].astype("Int64")
        numbers = numbers.join(cells.add_prefix(f"{name}: "))
    heading = f"Methods by data sets, protocol {protocol}"
    notes = (MEASURED, PRINTED, SETTINGS) if published else (MEASURED, SETTINGS)
    return Table(title=heading, shown=shown, numbers=numbers, notes=notes).cut()


def _lines(board: Board) -> pd.DataFrame:
    frame = board.rows
    steps = (", " + frame["steps"].astype("string") + " steps").fillna("")
    labels = (", uses labels: " + frame["label_use"]).where(frame["label_use"] != "none", "")
    collapsed = frame["collapsed"].map(lambda runs: ", collapsed" if runs else "")
    dropping = frame["dropping"].map({True: ", drops extra clusters", False: ""})
    return frame.assign(line=frame["label"] + steps + labels + collapsed + dropping)[
        ["method", "line", MEAN, DEVIATION, "n", PAPER]
    ]


def _not_run(board: Board, methods: list[str]) -> pd.DataFrame:
    """Return the paper's lines of methods that none of the boards has."""
    table = published_table().loc[methods].reset_index()
    paper = table[board.dataset] / 100 if board.dataset in table else math.nan
    return table[["method"]].assign(line=table["title"], n=0, **{PAPER: paper})
