"""The row of a run in tables of runs, on a terminal and in `infoseg-bench status`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infoseg_bench.records.spec import RunSpec
from infoseg_bench.utils.text import duration

TITLES = ("run", "state", "step", "loss", "PA", "clusters", "agreement", "steps/s", "time left", "settings")
"""Titles of the columns; "clusters" is the effective number of clusters, and "agreement" the self-agreement
(see `runs.diagnostics`), both at the last evaluation."""
GIVE_WAY = ("agreement", "clusters", "loss", "steps/s", "settings", "time left", "step", "PA")
"""Columns that are left out, in this order, if a line is too short."""


def row(spec: RunSpec, state: str, status: Mapping[str, Any], settings: str) -> tuple[str, ...]:
    """Return the cells of a run below `TITLES`; unknown ones are empty.

    Args:
        spec: the run
        state: state of its folder, or "starting" or "stopping"
        status: content of the worker's `status.json`
        settings: settings that distinguish it from the other listed runs of its method
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


def describe(status: Mapping[str, Any]) -> str:
    """Return a worker's status as one line of text."""
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
