"""What is left of a plan: in what state each run is, and what it will cost."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from infoseg_bench.planning.estimate import History
from infoseg_bench.records.folder import RunFolder, State
from infoseg_bench.records.spec import RunSpec
from infoseg_bench.runs.checkpoint import peek_training_state

SourceOf = Callable[[str], str]
"""From a method's name to the hash of its source as it is now."""


@dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """A run of a plan as it is found.

    Attributes:
        spec: what it is
        state: how far it is
        step: training steps in its checkpoint; 0: none
        changed: whether the method's source is another than when the run was begun
        seconds: what is left would take, after finished runs like it; None: there are none
    """

    spec: RunSpec
    state: State
    step: int
    changed: bool
    seconds: float | None


def look(specs: Sequence[RunSpec], results: Path, source_of: SourceOf) -> list[PlannedRun]:
    """Find out how far every run is. Nothing is made or written, whatever is missing.

    Raises:
        UserError: a record is damaged
    """
    runs = results / "runs"
    present = set(os.listdir(runs)) if runs.is_dir() else set()
    history = History(results, present)
    return [
        _look(spec, RunFolder.of(results, spec), source_of, history)
        if spec.folder in present
        else _missing(spec, history)
        for spec in specs
    ]


def _look(spec: RunSpec, folder: RunFolder, source_of: SourceOf, history: History) -> PlannedRun:
    record = folder.record()
    if record is not None and record.is_complete:
        begun = record.provenance.method_source
        return PlannedRun(
            spec=spec, state="finished", step=0, changed=_differs(begun, source_of(spec.method)), seconds=0.0
        )
    training = peek_training_state(folder)
    step, begun = (training.step, training.method_source) if training else (0, "")
    return PlannedRun(
        spec=spec,
        state=folder.state_with(record),
        step=step,
        changed=_differs(begun, source_of(spec.method)),
        seconds=history.seconds(spec, done=step),
    )


def _missing(spec: RunSpec, history: History) -> PlannedRun:
    return PlannedRun(
        spec=spec, state="missing", step=0, changed=False, seconds=history.seconds(spec, done=0)
    )


def _differs(begun: str, now: str) -> bool:
    return bool(begun and now) and begun != now
