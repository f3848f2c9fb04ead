"""Ablation tables: a published study's rows beside the runs that repeat them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import pandas as pd

from infoseg_bench.records.differences import UNSET
from infoseg_bench.reporting.boards import Board
from infoseg_bench.reporting.published_figures import Ablation, published_ablations
from infoseg_bench.reporting.table import Table, percent

Settings = Mapping[str, Any]


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
        match = next((one for one in study.rows if one.settings.items() <= settings.items()), None)
        if match is not None:
            varied = {*match.settings, *study.aside}
            rest = {name: value for name, value in settings.items() if name not in varied}
            groups[json.dumps(rest, sort_keys=True)][row] = match.title
    return list(groups.values())


def _table(study: Ablation, rows: dict[str, str], board: Board) -> Table:
    settings = {row: board.settings(row) for row in rows}
    named = [name for name in study.aside if len({repr(one.get(name)) for one in settings.values()}) > 1]

    def variant(row: str) -> str:
        return ", ".join([rows[row], *(f"{name}={settings[row].get(name, UNSET)}" for name in named)])

    paper = pd.DataFrame(
        [(one.title, one.pixel_accuracy) for one in study.rows], columns=["title", "published_pixel_accuracy"]
    )
    run = board.rows.loc[list(rows)].assign(title=list(rows.values()), variant=[*map(variant, rows)])
    columns = ["title", "variant", "row", "n", "pixel_accuracy_mean", "pixel_accuracy_std"]
    columns += ["best_pixel_accuracy_mean", "best_pixel_accuracy_std"]
    numbers = paper.merge(run.reset_index()[columns], on="title", how="left")
    numbers["variant"] = numbers["variant"].fillna(numbers.pop("title"))
    numbers["n"] = numbers["n"].astype("Int64")
    shown = pd.DataFrame(
        {
            "variant": numbers["variant"],
            "seeds": numbers["n"].astype("string").fillna(""),
            "PA": percent(numbers["pixel_accuracy_mean"], numbers["pixel_accuracy_std"]),
            "PA, best step (chosen with labels)": percent(
                numbers["best_pixel_accuracy_mean"], numbers["best_pixel_accuracy_std"]
            ),
            "paper's PA": percent(numbers["published_pixel_accuracy"]),
        }
    )
    shown.loc[numbers["n"].isna(), "PA"] = "not run"
    where = "" if board.dataset == study.dataset else f" The paper's figures are of {study.dataset}."
    return Table(
        title=study.title, shown=shown, numbers=numbers, notes=(f"Paper's PA: {study.source}.{where}",)
    )
