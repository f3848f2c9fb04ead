"""Ablation tables: a published study's rows beside the runs that repeat them."""

from __future__ import annotations

import json
from collections import defaultdict

from infoseg_bench.records.differences import UNSET
from infoseg_bench.reporting.boards import Board
from infoseg_bench.reporting.published_figures import Ablation, published_ablations
from infoseg_bench.reporting.table import Columns, Table, readable

PA = ("pixel_accuracy_mean", "pixel_accuracy_std")
BEST_PA = ("best_pixel_accuracy_mean", "best_pixel_accuracy_std")
COLUMNS: Columns = {
    "variant": "variant", "seeds": "n", "PA": PA, "PA, best step (chosen with labels)": BEST_PA,
    "paper's PA": ("published_pixel_accuracy",),
}  # fmt: skip


def ablations(board: Board) -> list[Table]:
    """Return every published study of which two rows or more were run on this board.

    Runs stand in one table only if they differ in nothing but the settings that the study varies, and those
    that are named beside the variant.
    """
    return [
        _table(study, rows, board)
        for study in published_ablations()
        for rows in _repeated(study, board)
        if len(set(rows.values())) > 1
    ]


def _repeated(study: Ablation, board: Board) -> list[dict[str, str]]:
    """Return the board's rows and which published row each repeats, once for every set of other settings."""
    groups: dict[str, dict[str, str]] = defaultdict(dict)
    for row in board.rows.index[board.rows["method"] == study.method]:
        settings = board.settings(row)
        for title, varied in zip(study.rows["title"], study.rows["settings"], strict=True):
            if varied.items() <= settings.items():
                rest = {name: settings[name] for name in settings.keys() - {*varied, *study.aside}}
                groups[json.dumps(rest, sort_keys=True)][row] = title
    return list(groups.values())


def _table(study: Ablation, rows: dict[str, str], board: Board) -> Table:
    settings = {row: board.settings(row) for row in rows}
    named = [name for name in study.aside if len({repr(one.get(name)) for one in settings.values()}) > 1]
    variants = [
        ", ".join([title, *(f"{name}={settings[row].get(name, UNSET)}" for name in named)])
        for row, title in rows.items()
    ]
    paper = study.rows.rename(columns={"pixel_accuracy": "published_pixel_accuracy"}).drop(columns="settings")
    run = board.rows.loc[[*rows]].assign(title=[*rows.values()], variant=variants).reset_index()
    numbers = paper.merge(run[["title", "variant", "row", "n", *PA, *BEST_PA]], on="title", how="left")
    numbers = numbers.assign(
        variant=numbers["variant"].fillna(numbers["title"]), n=numbers["n"].astype("Int64")
    ).drop(columns="title")
    shown = readable(numbers, COLUMNS)
    shown.loc[numbers["n"].isna(), "PA"] = "not run"
    where = "" if board.dataset == study.dataset else f" The paper's figures are of {study.dataset}."
    note = f"Paper's PA: {study.source}.{where}"
    return Table(title=study.title, shown=shown, numbers=numbers, notes=(note,))
