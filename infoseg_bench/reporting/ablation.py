"""Ablation tables: a published study's rows beside the runs that repeat them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence

from infoseg_bench.records.differences import UNSET
from infoseg_bench.reporting.boards import Board
from infoseg_bench.reporting.grid import Grid
from infoseg_bench.reporting.published import Ablation, AblationRow, published_ablations
from infoseg_bench.reporting.rows import Row, best_pixel_accuracy, percent, pixel_accuracy

HEAD = ("variant", "seeds", "PA", "PA, best step (chosen with labels)", "paper's PA")


def ablations(board: Board) -> list[Grid]:
    """Return every published study of which two rows or more were run on this board.

    Runs stand in one table only if they differ in nothing but the settings that the study varies, and those
    that are told beside the variant's name.
    """
    return [
        _grid(study, runs, board)
        for study in published_ablations()
        for runs in _repeated(study, board)
        if len(runs) > 1
    ]


def _repeated(study: Ablation, board: Board) -> list[dict[str, list[Row]]]:
    """Return a published row's title and the board's rows for it, once for every set of other settings."""
    groups: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in board.rows:
        if row.first.spec.method != study.method:
            continue
        settings = row.settings
        match = next((one for one in study.rows if one.settings.items() <= settings.items()), None)
        if match is not None:
            told = {*match.settings, *study.aside}
            rest = {name: value for name, value in settings.items() if name not in told}
            groups[json.dumps(rest, sort_keys=True)][match.title].append(row)
    return list(groups.values())


def _grid(study: Ablation, runs: dict[str, list[Row]], board: Board) -> Grid:
    told = _differing(study, runs)
    where = "" if board.dataset == study.dataset else f" The paper's figures are of {study.dataset}."
    return Grid(
        title=study.title,
        head=HEAD,
        body=tuple(
            _cells(published, run, told)
            for published in study.rows
            for run in runs.get(published.title, [None])
        ),
        notes=(f"Paper's PA: {study.source}.{where}",),
    )


def _differing(study: Ablation, runs: dict[str, list[Row]]) -> list[str]:
    settings = [row.settings for rows in runs.values() for row in rows]
    return [name for name in study.aside if len({repr(one.get(name)) for one in settings}) > 1]


def _cells(published: AblationRow, run: Row | None, told: Sequence[str]) -> tuple[str, ...]:
    paper = f"{100 * published.pixel_accuracy:.1f}"
    if run is None:
        return published.title, "", "not run", "", paper
    measured = (percent(run.spread(figure)) for figure in (pixel_accuracy, best_pixel_accuracy))
    title = ", ".join([published.title, *(f"{name}={run.settings.get(name, UNSET)}" for name in told)])
    return title, str(len(run.records)), *measured, paper
