"""The report as one HTML page: self-contained, offline, everything escaped."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import version
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from infoseg_bench.reporting.ablation import ablations
from infoseg_bench.reporting.boards import Board
from infoseg_bench.reporting.classes import class_table
from infoseg_bench.reporting.drawing import Drawing
from infoseg_bench.reporting.label_free import REGIMES, diagnostics
from infoseg_bench.reporting.lead import against_references, beaten_by_constant, distance, headline, lead
from infoseg_bench.reporting.leaderboard import (
    FIGURE_ROWS,
    FILTERS,
    TABLE_ROWS,
    leaderboard,
    summary,
    tags_of,
    warnings,
)
from infoseg_bench.reporting.main_table import distinguish
from infoseg_bench.reporting.opening import opening
from infoseg_bench.reporting.panels import OWN, Panels, data_uri
from infoseg_bench.reporting.table import Table

FIGURES = {
    "leaderboard": "Who leads: mean PA, its 95 % interval, and every seed",
    "cost": "PA against training cost",
    "curves": "PA while training, every seed; rings mark the best step, which only labels can tell",
    "released-log": "Our curve over the log that was released with the published figure",
    "balance": "Class sizes, and how few classes make each PA",
    "confusion": "What is taken for what: rows are true classes, columns predicted ones, cells the "
    "share of the row; "
    "bars at the right: share of the pixels, above: share predicted, its blue part right",
}
"""Captions of the figures, in their order on the page."""


def page(
    boards: Sequence[Board],
    *,
    tables: Sequence[Table],
    figures: Mapping[str, Mapping[str, Drawing]],
    classes: Mapping[str, pd.DataFrame],
    panels: Mapping[str, Panels],
    problems: Sequence[str],
    sections: Sequence[tuple[str, str, Markup]] = (),
) -> str:
    """Return the whole page.

    Args:
        boards: in their order on the page
        tables: across the boards
        figures: by board name, then by their own name
        classes: by board name: scores of every class
        panels: by board name; their pictures are embedded as they are
        problems: a line for every record that was left out
        sections: further sections, each an anchor, a title and HTML that is safe
    """
    environment = _environment()
    css, js = (_source(environment, name) for name in ("page.css", "page.js"))
    return environment.get_template("page.html.j2").render(
        boards=[
            _board(
                board,
                boards,
                figures.get(board.name, {}),
                classes[board.name],
                panels.get(board.name, Panels()),
            )
            for board in boards
        ],
        opening=opening(boards),
        tables=[_cut(table) for table in tables],
        provenance=_provenance(boards) if boards else None,
        problems=[_published(problem) for problem in problems],
        sections=sections,
        version=version("infoseg-bench"),
        css=css,
        js=js,
        css_hash=_hash(css),
        js_hash=_hash(js),
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("infoseg_bench.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["data_uri"] = data_uri
    environment.globals["zip"] = zip
    return environment


def _source(environment: Environment, name: str) -> Markup:
    assert environment.loader is not None
    return Markup(environment.loader.get_source(environment, name)[0])


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _published(problem: str) -> str:
    """Leave a problem's remedy, which is for whoever ran the command, and the machine's folders out."""
    remedy, folders = r": [^:]*\s--\w[^:]*$", r"(?:/[^/\s:'\"]+)+/(?=[^/\s:]+/[^/\s:]+)"
    return re.sub(folders, "", re.sub(remedy, "", problem))


def _cut(table: Table) -> Table:
    left = len(table.shown) - TABLE_ROWS
    notes = (*table.notes, f"{left} more rows are in the CSV file.") if left > 0 else table.notes
    return Table(title=table.title, shown=table.shown[:TABLE_ROWS], notes=notes)


def _board(
    board: Board,
    boards: Sequence[Board],
    figures: Mapping[str, Drawing],
    classes: pd.DataFrame,
    panels: Panels,
) -> dict[str, Any]:
    found = lead(board)
    colours = [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in board.facts.palette]
    data = distinguish(board, boards)
    return {
        "anchor": f"board-{_hash(board.name)[:10].translate(str.maketrans('+/=', 'abc'))}",
        "title": board.facts.title + (f" ({data})" if data else ""),
        "protocol": board.protocol,
        "folder": board.name,
        "fingerprint": board.fingerprint[:8],
        "facts": summary(board),
        "headline": headline(board),
        "warnings": warnings(board),
        "constant": f"{100 * board.constant:.1f} %",
        "weak": beaten_by_constant(board),
        "leader": found
        and {
            "name": found.leader["title"],
            "score": f"{100 * found.leader['pixel_accuracy_mean']:.1f} %",
            "ahead": distance(found),
            "references": against_references(found),
            "alone": found.second is None,
        },
        "views": [
            ("PA", leaderboard(board)),
            ("mean IoU", leaderboard(board, by="mean_iou")),
            ("IoU of every class", class_table(board, classes, tags_of(board.rows[:TABLE_ROWS]))),
        ],
        "filters": _filters(board),
        "studies": ablations(board),
        "explained": REGIMES if (board.rows["method"] == OWN).any() else "",
        "diagnostics": diagnostics(board, FIGURE_ROWS),
        "figures": [
            (FIGURES[name], Markup(one.svg)) for name, one in figures.items() if name != "leaderboard"
        ],
        "lead_figure": Markup(figures["leaderboard"].svg) if figures else "",
        "legend": [
            *zip(board.facts.classes, colours, strict=True),
            ("void", "#000000"),
            ("unmatched", "#808080"),
        ],
        "panels": panels.panels,
        "films": panels.films,
        "panel_notes": panels.notes,
    }


def _filters(board: Board) -> list[tuple[int, str, list[str]]]:
    """Return what the rows of a board can be filtered by, where there is a choice: place, name and values."""
    values = [list(dict.fromkeys(column)) for column in zip(*tags_of(board.rows[:TABLE_ROWS]), strict=True)]
    return [(place, FILTERS[place], found) for place, found in enumerate(values) if len(found) > 1]


def _provenance(boards: Sequence[Board]) -> Table:
    """Return where the runs of every board come from."""
    lines = [
        {
            "data": board.facts.title,
            "protocol": board.protocol,
            "fingerprint": board.fingerprint[:12],
            "runs": str(len(board.runs)),
            "started": " to ".join(
                dict.fromkeys([board.runs["started"].min()[:10], board.runs["started"].max()[:10]])
            ),
            "devices": ", ".join(sorted(set(board.runs["device"]))),
            "infoseg-bench": ", ".join(sorted(set(board.runs["version"]))),
            "commits": ", ".join(sorted({str(commit)[:7] for commit in board.runs["commit"].dropna()})),
        }
        for board in boards
    ]
    return Table(title="Provenance", shown=pd.DataFrame(lines))
