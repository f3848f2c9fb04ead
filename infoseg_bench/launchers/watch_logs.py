"""Copies of curves to loggers while runs are active."""

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
"""Minimum time between two reads of a run's curve; chosen by this project."""


class LogWatcher:
    """Copies the curves of runs to loggers, and passes all events on to another watcher."""

    def __init__(self, watcher: Watcher, followers: Mapping[str, CurveFollower], results: Path) -> None:
        """Create the watcher.

        Args:
            watcher: the other watcher
            followers: followers of curves, by the name of their logger
            results: folder of the runs
        """
        self._watcher, self._followers, self._results = watcher, dict(followers), results
        self._looked = dict[str, float]()

    def started(self, spec: RunSpec) -> None:
        """Pass it on."""
        self._watcher.started(spec)

    def moved(self, spec: RunSpec, status: dict[str, Any]) -> None:
        """Log the new lines of a run's curve, at most once per `FOLLOW_SECONDS`."""
        self._watcher.moved(spec, status)
        now = time.monotonic()
        if now - self._looked.get(spec.identity, -FOLLOW_SECONDS) >= FOLLOW_SECONDS:
            self._looked[spec.identity] = now
            self._each(CurveFollower.follow, spec)

    def retrying(self, outcome: Outcome) -> None:
        """Pass it on."""
        self._watcher.retrying(outcome)

    def ended(self, outcome: Outcome) -> None:
        """Log the last lines of a run's curve."""
        self._watcher.ended(outcome)
        self._each(CurveFollower.end, outcome.spec)

    def stopping(self) -> None:
        """Pass it on."""
        self._watcher.stopping()

    def _each(self, act: Callable[[CurveFollower, RunFolder], None], spec: RunSpec) -> None:
        for name, follower in list(self._followers.items()):
            # An error of a logger, such as a server that does not respond, must not stop the training.
            try:
                act(follower, RunFolder.of(self._results, spec))
            except Exception as error:
                del self._followers[name]
                print(
                    f"The logger {name} failed and is left out from now on: {type(error).__name__}: {error}. "
                    "`infoseg-bench status --log` writes its curves later.",
                    file=sys.stderr,
                )
