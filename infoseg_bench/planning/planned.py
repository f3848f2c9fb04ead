"""The state of every run of a plan, and the estimated time of what is left."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from infoseg_bench.errors import UserError
from infoseg_bench.planning.cost import History
from infoseg_bench.records.folder import RunFolder, State
from infoseg_bench.records.spec import RunSpec

PlannedState = State | Literal["not prepared", "damaged"]
Basis = Literal["", "finished runs", "speed", "timed steps", "scaled steps"]
SourceOf = Callable[[str], str]
"""Returns the hash of a method's current source code, for the method's name."""


@dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """A run of a plan and its state.

    Attributes:
        spec: the run
        state: its state; "not prepared": its data set is not prepared; "damaged": its record is unreadable
        step: training steps in its checkpoint; 0 if there is none
        changed: whether the method's source code has changed since the run was started
        seconds: estimated time of the rest of the run; None if not known
        basis: what `seconds` is estimated from; empty if not known
        repeated: whether it will be repeated from the start, in any state
        problem: the error of a damaged run
    """

    spec: RunSpec
    state: PlannedState
    step: int = 0
    changed: bool = False
    seconds: float | None = None
    basis: Basis = ""
    repeated: bool = False
    problem: str = ""

    @property
    def to_do(self) -> bool:
        """Whether the run is still to be executed; a damaged run cannot be."""
        return self.repeated or self.state not in ("finished", "damaged")


def look(
    specs: Sequence[RunSpec],
    results: Path,
    source_of: SourceOf,
    *,
    device: str | None = None,
    repeat: bool = False,
) -> list[PlannedRun]:
    """Return the state of every run, without writing anything.

    Args:
        specs: the runs
        results: the results folder, which need not exist
        source_of: returns the hash of a method's current source code
        device: estimate times from runs on this model of GPU or processor; None: from all runs
        repeat: whether all runs will be repeated from the start
    """
    runs = results / "runs"
    present = set(os.listdir(runs)) if runs.is_dir() else set()
    history = History(results, present, device)
    found = []
    for spec in specs:
        run = PlannedRun(spec=spec, state="missing" if spec.fingerprint else "not prepared")
        if spec.folder in present:
            run = _look(spec, RunFolder.of(results, spec), source_of)
        if repeat:
            run = replace(run, repeated=run.state not in ("missing", "not prepared"), step=0, changed=False)
        found.append(_with_cost(run, history))
    return found


def _look(spec: RunSpec, folder: RunFolder, source_of: SourceOf) -> PlannedRun:
    try:
        record = folder.record()
    except UserError as error:
        return PlannedRun(spec=spec, state="damaged", problem=str(error))
    if record is not None and record.is_complete:
        changed = _differs(record.provenance.method_source, source_of(spec.method))
        return PlannedRun(spec=spec, state="finished", changed=changed)
    # PyTorch takes seconds to import: only for this.
    from infoseg_bench.runs.checkpoint import peek_training_state

    training = peek_training_state(folder)
    step, begun = (training.step, training.method_source) if training else (0, "")
    changed = _differs(begun, source_of(spec.method))
    return PlannedRun(spec=spec, state=folder.state_with(record), step=step, changed=changed)


def _with_cost(run: PlannedRun, history: History) -> PlannedRun:
    if not run.to_do:
        return replace(run, seconds=0.0)
    seconds = history.seconds(run.spec, done=run.step)
    return run if seconds is None else replace(run, seconds=seconds, basis="finished runs")


def _differs(begun: str, now: str) -> bool:
    return bool(begun and now) and begun != now
