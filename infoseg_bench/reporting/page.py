"""The report as one HTML page: self-contained, offline, everything escaped."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import version

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from infoseg_bench.records.results_table import DIAGNOSTIC
from infoseg_bench.reporting import lead
from infoseg_bench.reporting.ablation import ablations
from infoseg_bench.reporting.boards import Board
from infoseg_bench.reporting.classes import class_table
from infoseg_bench.reporting.drawing import Drawing
from infoseg_bench.reporting.leaderboard import FILTERS, leaderboard, summary, tags_of, warnings
from infoseg_bench.reporting.opening import opening, scale
from infoseg_bench.reporting.pictures import OWN, Panels, data_uri
from infoseg_bench.reporting.table import TABLE_ROWS, Table

FIGURE_ROWS = 8
"""Rows that are shown in figures; chosen by this project: more make a page long on a phone."""


def page(
    boards: Sequence[Board],
    *,
    tables: Sequence[Table],
    figures: Mapping[str, Mapping[str, Drawing]],
    classes: Mapping[str, pd.DataFrame],
    panels: Mapping[str, Panels],
    galleries: Mapping[str, str],
    problems: Sequence[str],
) -> str:
    """Return the whole page.

    Args:
        boards: in their order on the page
        tables: across the boards
        figures: by board name, then by their own name
        classes: by board name: scores of every class
        panels: by board name; their pictures are embedded as they are
        galleries: of photos without labels: address of the page to what was segmented, in words
        problems: a line for every record that was left out
    """
    template = environment().get_template("page.html.j2")
    return template.render(
        boards=boards, tables=tables, figures=figures, classes=classes, panels=panels, galleries=galleries,
        problems=problems,
    )  # fmt: skip


@cache
def environment() -> Environment:
    """Return the templates of pages, with the functions that they call."""
    loader = PackageLoader("infoseg_bench.reporting")
    made = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    css, js = (loader.get_source(made, name)[0] for name in ("page.css", "page.js"))
    made.filters |= {"data_uri": data_uri, "published": published}
    called = (
        *(zip, opening, scale, provenance, summary, warnings, leaderboard, class_table, ablations),
        *(diagnostics, anchor, filters, legend),
    )
    made.globals |= {
        **{one.__name__: one for one in called},
        "lead": lead,
        "css": Markup(css),
        "js": Markup(js),
        "css_hash": _hash(css),
        "js_hash": _hash(js),
        "FIGURE_ROWS": FIGURE_ROWS,
        "OWN": OWN,
        "version": version("infoseg-bench"),
    }
    return made


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def published(problem: str) -> str:
    """Leave a problem's remedy, which is for whoever ran the command, and the machine's folders out."""
    remedy, folders = r": [^:]*\s--\w[^:]*$", r"(?<![^\s'\"(])(?:/[^/\s:'\"]+)+/(?=[^/\s:]+/[^/\s:]+)"
    return re.sub(folders, "", re.sub(remedy, "", problem))


def anchor(board: Board) -> str:
    """Return the id of a board's section; names may hold what an id may not."""
    return f"board-{hashlib.sha256(board.name.encode()).hexdigest()[:10]}"


def filters(board: Board) -> list[tuple[int, str, list[str]]]:
    """Return what the rows of a board can be filtered by, where there is a choice: place, name and values."""
    values = [list(dict.fromkeys(column)) for column in zip(*tags_of(board.rows[:TABLE_ROWS]), strict=True)]
    return [(place, FILTERS[place], found) for place, found in enumerate(values) if len(found) > 1]


def legend(board: Board) -> list[tuple[str, str]]:
    """Return the names and colours of a panel."""
    colours = ["#{:02x}{:02x}{:02x}".format(*colour) for colour in board.facts.palette]
    names = zip(board.facts.classes, colours, strict=True)
    return [*names, ("void", "#000000"), ("unmatched", "#808080")]


def provenance(boards: Sequence[Board]) -> Table:
    """Return where the runs of every board come from."""

    def distinct(values: pd.Series, between: str = ", ") -> str:
        return between.join(dict.fromkeys(sorted(values.dropna())))

    lines = [
        {
            "data": board.title,
            "protocol": board.protocol,
            "fingerprint": board.fingerprint[:12],
            "runs": str(len(board.runs)),
            "started": distinct(board.runs["started"].agg(["min", "max"]).str[:10], " to "),
            "devices": distinct(board.runs["gpu"].fillna(board.runs["cpu"])),
            "infoseg-bench": distinct(board.runs["benchmark_version"]),
            "commits": distinct(board.runs["git_commit"].str[:7]),
        }
        for board in boards
    ]
    return Table(title="Provenance", shown=pd.DataFrame(lines))


def diagnostics(board: Board, number: int) -> Table:
    """Return a line per row with label-free figures at the last step: means over the seeds."""
    rows = board.leading(number)
    runs = board.runs[board.runs["row"].isin(rows.index)]
    found = runs.filter(like=DIAGNOSTIC).dropna(axis=1, how="all")
    found.columns = found.columns.str.removeprefix(DIAGNOSTIC)
    means = (
        runs[["clusters", "effective_clusters", "largest_cluster"]].join(found).groupby(runs["row"]).mean()
    )
    means["largest_cluster"] *= 100
    means.columns = means.columns.str.replace("_", " ")
    titles = {"effective clusters": "clusters in effect", "largest cluster": "largest cluster, % of pixels"}
    shown = means.loc[rows.index].map("{:.3g}".format, na_action="ignore").fillna("").rename(columns=titles)
    shown.insert(0, "method", rows["label"])
    note = "Clusters in effect: exp of the entropy of the clusters' shares of the scored pixels."
    return Table(title="Diagnostics without labels", shown=shown, notes=(note,))
