"""The states of all runs in a results folder, as objects and as a table."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from infoseg_bench.errors import UserError, first_few
from infoseg_bench.launchers.status_columns import GIVE_WAY, TITLES, row
from infoseg_bench.planning.planned import PlannedState
from infoseg_bench.records.differences import Differences
from infoseg_bench.records.folder import RunFolder, plausible
from infoseg_bench.records.record import FinishedRecord
from infoseg_bench.records.spec import RunSpec
from infoseg_bench.utils.text import fitted, plural


class RunStatus(BaseModel):
    """A run and its state, as printed by `infoseg-bench status --json`."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    id: str
    """Short id, which is the beginning of the identity; options `--run` accept it."""
    identity: str
    """The run's identity, in hexadecimal digits."""
    folder: str
    """Name of the run's folder."""
    dataset: str
    """Name of the data set."""
    method: str
    """Name of the method."""
    seed: int
    """The run's seed."""
    settings: str
    """The settings that distinguish it from the other listed runs of its method."""
    state: PlannedState
    """State of the run; "damaged": its record or its curve cannot be read."""
    doing: str | None
    """Current work before training, such as computing superpixels; null: none."""
    step: int | None
    """Training steps done; null if it is not trained in steps or has not started."""
    steps: int | None
    """Training steps of the whole run; null if it is not trained in steps."""
    loss: float | None
    """Last logged loss."""
    pixel_accuracy: float | None
    """Pixel accuracy (PA) of a finished run, or at the last evaluation of an unfinished one, in [0, 1]."""
    steps_per_second: float | None
    """Training steps per second; null unless the run is active."""
    seconds_left: float | None
    """Estimated remaining time in seconds; null unless the run is active."""
    diagnostics: dict[str, float] = {}
    """Label-free diagnostics of the last evaluation."""
    error: str
    """Reason of a failure or damage; otherwise empty."""
    cells: tuple[str, ...] = Field(exclude=True)
    """The run's row in the table."""


def run_statuses(
    results: Path,
    *,
    datasets: Collection[str] = (),
    methods: Collection[str] = (),
    states: Collection[str] = (),
) -> tuple[list[RunStatus], list[str]]:
    """Return the states of all runs in a results folder, or of selected ones.

    Args:
        results: the folder
        datasets: names of data sets to select; empty: all
        methods: names of methods to select; empty: all
        states: states to select, such as "finished"; empty: all

    Returns:
        the runs, ordered by the names of their folders, and a message for each folder that is left out
    """
    specs, problems = _specs(results)
    specs = {
        path: spec
        for path, spec in specs.items()
        if (not datasets or spec.dataset in datasets) and (not methods or spec.method in methods)
    }
    settings = Differences.among(specs.values()).text
    found = (_status(RunFolder(path), spec, settings(spec)) for path, spec in specs.items())
    return [run for run in found if not states or run.state in states], problems


def _specs(results: Path) -> tuple[dict[Path, RunSpec], list[str]]:
    specs, problems, others = dict[Path, RunSpec](), list[str](), list[str]()
    for path in _listed(results / "runs"):
        folder = RunFolder(path)
        if not folder.exists():
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
    """Return the state of a run and its latest figures."""
    status = folder.status()
    try:
        record, latest = folder.completed_record(), _latest(folder)
        state: PlannedState = folder.state()
    except UserError as error:
        return "damaged", {"error": str(error)}
    if state == "running":
        return state, status
    last = {key: status[key] for key in ("step", "loss") if status.get(key) is not None}
    figures = {**latest, **last}
    if state == "failed":
        figures["error"] = status.get("error") or "see its record.json"
    if record is not None:
        figures |= {"step": spec.budget.steps if spec.budget else None, "diagnostics": record.diagnostics}
    if isinstance(record, FinishedRecord):
        figures["pixel_accuracy"] = record.pixel_accuracy
    return state, figures


def _latest(folder: RunFolder) -> dict[str, Any]:
    """Return the last step, loss and PA on the curve."""
    figures: dict[str, Any] = {}
    for line in map(plausible, folder.curve()):
        figures |= {key: line[key] for key in ("step", "loss", "pixel_accuracy") if key in line}
    return figures


def status_table(runs: Sequence[RunStatus], width: int) -> list[str]:
    """Return the runs as a table, in lines of at most `width` characters if possible."""
    notes = [run.error for run in runs]
    rows = [run.cells for run in runs]
    return fitted(("id", *TITLES), rows, width, give_way=GIVE_WAY, notes=notes)
