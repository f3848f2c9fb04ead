"""What there is to see of a run under way: one row, the same on a terminal, in a log and in `status`."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from infoseg_bench.records.spec import RunSpec
from infoseg_bench.utils.text import columns, duration

TITLES = ("run", "state", "step", "loss", "PA", "clusters", "agreement", "steps/s", "time left", "settings")
"""Clusters are those in use, and agreement is that of the segmentation with itself under a mirror and changed
colours; both at the latest evaluation."""
GIVE_WAY = ("agreement", "clusters", "loss", "steps/s", "settings", "time left")
"""Columns that are left out where a line is too short, the first first."""


def row(spec: RunSpec, state: str, status: Mapping[str, Any], settings: str) -> tuple[str, ...]:
    """Return the cells below `TITLES`; empty where nothing is known.

    Args:
        spec: the run
        state: as the folder says, or "starting", "stopping"
        status: content of the worker's `status.json`
        settings: what tells it from other runs of its method that are shown
    """
    if status.get("doing"):
        state = str(status["doing"])
    under_way, left, figures = state != "finished", status.get("seconds_left"), status.get("diagnostics", {})
    return (
        spec.title,
        state,
        _step(status, spec),
        _number(status.get("loss"), ".4f"),
        _number(status.get("pixel_accuracy"), ".1%"),
        _number(figures.get("cluster_usage"), ".1f"),
        _number(figures.get("self_agreement"), ".2f"),
        _number(status.get("steps_per_second") if under_way else None, ".3g"),
        duration(float(left)) if under_way and left is not None else "",
        settings,
    )


def fitted(
    titles: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str], width: int
) -> list[str]:
    """Return a table as lines of at most `width` characters, if its narrowest form fits.

    Empty columns are left out, and as many of `GIVE_WAY` as must be; settings then stand below their row.

    Args:
        titles: of the columns
        rows: cells
        notes: a text for every row that is shown below it; empty: none
        width: characters of a line
    """
    kept = [index for index in range(len(titles)) if any(row[index] for row in rows)]
    lines = [""]
    for title in (None, *GIVE_WAY):
        kept = [index for index in kept if titles[index] != title]
        lines = columns([[row[index] for index in kept] for row in (titles, *rows)])
        if max(map(len, lines)) <= width:
            break
    settings = titles.index("settings") if "settings" in titles else None
    below = [[note] if note else [] for note in notes]
    if settings is not None and settings not in kept:
        below = [[row[settings]] * bool(row[settings]) + text for row, text in zip(rows, below, strict=True)]
    shown = [lines[0]]
    for line, texts in zip(lines[1:], below, strict=True):
        shown.append(line)
        for text in texts:
            shown += textwrap.wrap(text, width, initial_indent="    ", subsequent_indent="    ")
    return shown


def describe(status: Mapping[str, Any]) -> str:
    """Describe a worker's status in one line."""
    if status.get("doing"):
        return f"{status['doing']}: {status.get('step')} of {status.get('steps')} photos"
    parts = [f"step {status.get('step')}" + (f" of {status['steps']}" if status.get("steps") else "")]
    shown = {"loss": "loss {:.4f}", "pixel_accuracy": "PA {:.1%}", "steps_per_second": "{:.3g} steps/s"}
    parts += [text.format(status[key]) for key, text in shown.items() if _is_number(status.get(key))]
    if _is_number(status.get("seconds_left")):
        parts.append(f"{duration(float(status['seconds_left']))} left")
    return ", ".join(parts)


def _step(status: Mapping[str, Any], spec: RunSpec) -> str:
    if status.get("step") is None:
        return ""
    steps = status.get("steps") or (spec.budget.steps if spec.budget else None)
    return f"{status['step']}/{steps}" if steps else str(status["step"])


def _number(value: object, form: str) -> str:
    return format(value, form) if _is_number(value) else ""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)
