"""How far the runs of a results folder are: one typed status each, for people and for programs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from infoseg_bench.errors import UserError, first_few
from infoseg_bench.launchers.status_columns import TITLES, fitted, row
from infoseg_bench.planning.planned import PlannedState
from infoseg_bench.records.differences import Differences
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.records.spec import RunSpec
from infoseg_bench.utils.text import plural


class RunStatus(BaseModel):
    """A run and how far it is, as `infoseg-bench status --json` prints it."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    id: str
    """The first digits of the identity; every --run accepts them."""
    identity: str
    """All of its digits."""
    folder: str
    """Name of the run's folder."""
    dataset: str
    """Name of the data set."""
    method: str
    """Name of the method."""
    seed: int
    """Of everything random."""
    settings: str
    """What tells it from other runs of its method that are shown."""
    state: PlannedState
    """How far it is; "damaged": its record cannot be read."""
    doing: str | None
    """What it does besides training, such as computing superpixels; null: nothing."""
    step: int | None
    """Training steps done; null where it does not train by steps or has not begun."""
    steps: int | None
    """Training steps of the whole run; null where it does not train by steps."""
    loss: float | None
    """Latest loss that was written."""
    pixel_accuracy: float | None
    """PA of a finished run, or at the latest evaluation of another, in [0, 1]."""
    steps_per_second: float | None
    """Of a run under way."""
    seconds_left: float | None
    """Of a run under way."""
    diagnostics: dict[str, float] = {}
    """Label-free figures of the latest evaluation."""
    error: str
    """Why it failed, or what is damaged; empty otherwise."""
    cells: tuple[str, ...] = Field(exclude=True)
    """The row of the table for people."""


def run_statuses(
    results: Path,
    *,
    datasets: Collection[str] = (),
    methods: Collection[str] = (),
    states: Collection[str] = (),
) -> tuple[list[RunStatus], list[str]]:
    """Return the status of every run of a results folder, or of those that are asked for.

    Args:
        results: the folder
        datasets: names of data sets; empty: all
        methods: names of methods; empty: all
        states: such as "finished"; empty: all

    Returns:
        the runs by the names of their folders, and a line for everything that is left out
    """
    specs, problems = _specs(results)
    specs = {
        path: spec
        for path, spec in specs.items()
        if (not datasets or spec.dataset in datasets) and (not methods or spec.method in methods)
    }
    settings = Differences.among(specs.values()).words
    found = (_status(RunFolder(path), spec, settings(spec)) for path, spec in specs.items())
    return [run for run in found if not states or run.state in states], problems


def _specs(results: Path) -> tuple[dict[Path, RunSpec], list[str]]:
    specs, problems, others = dict[Path, RunSpec](), list[str](), list[str]()
    for path in _listed(results / "runs"):
        folder = RunFolder(path)
        if not folder.spec_file.exists():
            others.append(path.name)
            continue
        try:
            specs[path] = folder.spec()
        except UserError as error:
            problems.append(str(error))
    if others:
        count = plural(len(others), "entry", "entries")
        problems.append(f"{results / 'runs'}: {count} without a spec.json left out: {first_few(others)}")
    return specs, problems


def _listed(runs: Path) -> Iterable[Path]:
    return sorted(path for path in runs.iterdir() if path.name[0] != ".") if runs.is_dir() else ()


def _status(folder: RunFolder, spec: RunSpec, settings: str) -> RunStatus:
    state, status = _look(folder, spec)
    cells = (spec.short_id, *row(spec, state, status, settings))
    return RunStatus(
        id=spec.short_id, identity=spec.identity, folder=folder.path.name, dataset=spec.dataset,
        method=spec.method, seed=spec.seed, settings=settings, state=state, cells=cells,
        doing=status.get("doing"), step=status.get("step"),
        steps=spec.budget.steps if spec.budget else None, loss=status.get("loss"),
        pixel_accuracy=status.get("pixel_accuracy"), steps_per_second=status.get("steps_per_second"),
        seconds_left=status.get("seconds_left"), diagnostics=status.get("diagnostics") or {},
        error=str(status.get("error") or ""),
    )  # fmt: skip


def _look(folder: RunFolder, spec: RunSpec) -> tuple[PlannedState, dict[str, Any]]:
    """Return the state of a run and what is known of it now."""
    status = folder.status()
    try:
        record = folder.finished_record()
        state: PlannedState = folder.state()
    except UserError as error:
        return "damaged", {"error": str(error)}
    if state == "running":
        return state, status
    last = {key: status[key] for key in ("step", "loss") if status.get(key) is not None}
    figures = {**_latest(folder), **last}
    if state == "failed":
        figures["error"] = status.get("error") or "see its record.json"
    if record is not None:
        figures |= {"pixel_accuracy": record.pixel_accuracy, "diagnostics": record.diagnostics}
        figures["step"] = spec.budget.steps if spec.budget else None
    return state, figures


def _latest(folder: RunFolder) -> dict[str, Any]:
    """Return step, loss and PA of the latest lines of the curve that have them."""
    figures: dict[str, Any] = {}
    for line in folder.curve():
        figures |= {key: line[key] for key in ("step", "loss", "pixel_accuracy") if key in line}
    return figures


def status_table(runs: Sequence[RunStatus], width: int) -> list[str]:
    """Return a table for people that fits into lines of `width` characters."""
    notes = [run.error for run in runs]
    return fitted(("id", *TITLES), [run.cells for run in runs], notes, width)
