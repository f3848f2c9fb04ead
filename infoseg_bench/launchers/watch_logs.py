"""Loggers while runs are under way."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from infoseg_bench.launchers.outcome import Outcome, Watcher
from infoseg_bench.loggers.logger import CurveFollower
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.records.spec import RunSpec

FOLLOW_SECONDS = 5.0
"""Between two looks at a run's curve; chosen by this project."""


class LogWatcher:
    """Passes everything on to another watcher, and copies the runs' curves to loggers."""

    def __init__(self, watcher: Watcher, followers: Mapping[str, CurveFollower], results: Path) -> None:
        """Take the other watcher, the loggers by name, and the folder of the runs."""
        self._watcher, self._followers, self._results = watcher, dict(followers), results
        self._looked = dict[str, float]()

    def started(self, spec: RunSpec) -> None:
        """Pass it on."""
        self._watcher.started(spec)

    def moved(self, spec: RunSpec, status: dict[str, Any]) -> None:
        """Log what is new, every few seconds."""
        self._watcher.moved(spec, status)
        now = time.monotonic()
        if now - self._looked.get(spec.identity, -FOLLOW_SECONDS) >= FOLLOW_SECONDS:
            self._looked[spec.identity] = now
            self._each(CurveFollower.follow, spec)

    def retrying(self, outcome: Outcome) -> None:
        """Pass it on."""
        self._watcher.retrying(outcome)

    def ended(self, outcome: Outcome) -> None:
        """Log the rest."""
        self._watcher.ended(outcome)
        self._each(CurveFollower.end, outcome.spec)

    def stopping(self) -> None:
        """Pass it on."""
        self._watcher.stopping()

    def _each(self, act: Callable[[CurveFollower, RunFolder], None], spec: RunSpec) -> None:
        for name, follower in list(self._followers.items()):
            # Hours of training must not be lost to a full disk or a server that does not answer.
            try:
                act(follower, RunFolder.of(self._results, spec))
            except Exception as error:
                del self._followers[name]
                print(
                    f"The logger {name} failed and is left out from now on: {type(error).__name__}: {error}. "
                    "`infoseg-bench status --log` writes its curves later.",
                    file=sys.stderr,
                )
