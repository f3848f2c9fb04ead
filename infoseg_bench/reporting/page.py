"""The report as one HTML page: self-contained, offline, everything escaped."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import version
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from infoseg_bench.reporting.ablation import ablations
from infoseg_bench.reporting.balance import balance_figure, balance_grid
from infoseg_bench.reporting.boards import Board
from infoseg_bench.reporting.confusion import confusion_figure
from infoseg_bench.reporting.curves import curves_figure
from infoseg_bench.reporting.grid import Grid
from infoseg_bench.reporting.lead import distance, headline, lead
from infoseg_bench.reporting.lead_figure import lead_figure
from infoseg_bench.reporting.leaderboard import leaderboard, summary, warnings
from infoseg_bench.reporting.panels import Panels
from infoseg_bench.reporting.rows import pixel_accuracy
from infoseg_bench.reporting.shown import LINES, PAGE_ROWS, TABLE_ROWS, leading, left_out


def page(
    boards: Sequence[Board],
    *,
    grids: Sequence[Grid],
    panels: Mapping[str, Panels],
    problems: Sequence[str],
) -> str:
    """Return the whole page.

    Args:
        boards: in their order on the page
        grids: tables across the boards
        panels: by board name; their pictures are embedded as they are
        problems: a line for every record that was left out
    """
    environment = _environment()
    css, js = (_source(environment, name) for name in ("page.css", "page.js"))
    return environment.get_template("page.html.j2").render(
        boards=[_board(board, panels.get(board.name, Panels())) for board in boards],
        grids=grids,
        problems=problems,
        runs=sum(len(row.runs) for board in boards for row in board.rows),
        version=version("infoseg-bench"),
        css=css,
        js=js,
        css_hash=_hash(css),
        js_hash=_hash(js),
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("infoseg_bench.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )


def _source(environment: Environment, name: str) -> Markup:
    assert environment.loader is not None
    return Markup(environment.loader.get_source(environment, name)[0])


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _board(board: Board, panels: Panels) -> dict[str, Any]:
    found = lead(board)
    return {
        "anchor": f"board-{hashlib.sha256(board.name.encode()).hexdigest()[:10]}",
        "title": board.facts.title,
        "protocol": board.protocol,
        "folder": board.name,
        "fingerprint": board.fingerprint[:8],
        "facts": summary(board),
        "headline": headline(board),
        "warnings": warnings(board),
        "constant": f"{100 * board.facts.constant_pixel_accuracy:.1f} %",
        "leader": found
        and {
            "name": found.leader.first.method_title,
            "score": f"{100 * found.leader.spread(pixel_accuracy).mean:.1f} %",
            "ahead": distance(found),
        },
        "leader_index": board.rows.index(found.leader) if found else None,
        "grid": leaderboard(board, narrow=True, rows=TABLE_ROWS),
        "studies": ablations(board),
        "left": left_out(board),
        **_figures(board),
        **_pictures(board, panels),
    }


def _figures(board: Board) -> dict[str, Any]:
    rows, few = leading(board, PAGE_ROWS), leading(board, LINES)
    curves = [(board.label(row), curves_figure(board, row)) for row in rows]
    confusions = [(board.label(row), row.runs[0]) for row in rows]
    classes = board.facts.classes
    return {
        "lead_figure": Markup(lead_figure(board, rows)),
        "balance": balance_grid(board, few),
        "balance_figure": Markup(balance_figure(board, few)),
        "curves": [{"caption": label, "svg": Markup(svg)} for label, svg in curves if svg],
        "confusions": [
            {
                "caption": f"{label}, seed {run.record.spec.seed}",
                "svg": Markup(confusion_figure(run.counts, classes, label)),
            }
            for label, run in confusions
        ],
    }


def _pictures(board: Board, panels: Panels) -> dict[str, Any]:
    colours = [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in board.facts.palette]
    legend = [*zip(board.facts.classes, colours, strict=True), ("void", "#000000"), ("unmatched", "#808080")]
    return {
        "legend": legend,
        "panel_notes": panels.notes,
        "pictures": [
            {
                "name": panel.name,
                "description": panel.description,
                "data": base64.b64encode(panel.png).decode(),
            }
            for panel in panels.pictures
        ],
    }
