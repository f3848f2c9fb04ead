"""TensorBoard's event files while runs are under way."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from infoseg_bench.launchers.engine import Outcome, Watcher
from infoseg_bench.launchers.tensorboard import EventFiles
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.records.spec import RunSpec

FOLLOW_SECONDS = 5.0
"""Between two looks at a run's curve; chosen by this project."""


class CurveWatcher:
    """Writes events, and tells another watcher everything."""

    def __init__(self, watcher: Watcher, events: EventFiles, results: Path) -> None:
        """Take whom to tell, where to write, and the folder of the runs."""
        self._watcher, self._events, self._results = watcher, events, results
        self._looked = dict[str, float]()

    def started(self, spec: RunSpec) -> None:
        """Pass it on."""
        self._watcher.started(spec)

    def moved(self, spec: RunSpec, status: dict[str, Any]) -> None:
        """Write what is new, now and then."""
        self._watcher.moved(spec, status)
        now = time.monotonic()
        if now - self._looked.get(spec.identity, -FOLLOW_SECONDS) >= FOLLOW_SECONDS:
            self._looked[spec.identity] = now
            self._events.follow(self._folder(spec))

    def retrying(self, outcome: Outcome) -> None:
        """Pass it on."""
        self._watcher.retrying(outcome)

    def ended(self, outcome: Outcome) -> None:
        """Write the rest."""
        self._watcher.ended(outcome)
        self._events.end(self._folder(outcome.spec))

    def stopping(self) -> None:
        """Pass it on."""
        self._watcher.stopping()

    def _folder(self, spec: RunSpec) -> Path:
        return RunFolder.of(self._results, spec).path
