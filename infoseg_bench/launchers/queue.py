"""Runs that wait to be started, also those that another launcher is doing."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from infoseg_bench.launchers.outcome import Outcome, Watcher
from infoseg_bench.launchers.work import Work
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.records.heartbeat import claimed
from infoseg_bench.records.spec import RunSpec

ELSEWHERE_SECONDS = 1.0
"""Between two looks at a run that another launcher is doing; chosen by this project."""
RETRY_SECONDS = 1.0
"""Before the first retry, twice as long before every further one; chosen by this project."""


@dataclass
class Waiting:
    """A run that waits to be started.

    Attributes:
        spec: the run
        tries: attempts so far
        elsewhere: whether another launcher was seen doing it
        not_before: earliest time to look at it, in seconds of the monotonic clock
    """

    spec: RunSpec
    tries: int = 0
    elsewhere: bool = False
    not_before: float = 0.0


class Queue:
    """Returns runs in their order; those that other launchers are doing are looked at again later."""

    def __init__(self, work: Work, specs: Sequence[RunSpec], *, watcher: Watcher, retries: int) -> None:
        """Take the runs; no folder is read yet.

        Args:
            work: how runs are done
            specs: the runs, in their order
            watcher: receives what ends or is tried again
            retries: further attempts after a failure of the machine
        """
        self._work, self._watcher, self._retries = work, watcher, retries
        self._items = [Waiting(spec) for spec in specs]

    def __bool__(self) -> bool:
        return bool(self._items)

    def leave(self, waiting: Waiting) -> None:
        """Put a run back that another launcher is doing, to look at it again later."""
        waiting.elsewhere = True
        waiting.not_before = time.monotonic() + ELSEWHERE_SECONDS
        self._items.append(waiting)

    def settle(self, waiting: Waiting, outcome: Outcome, *, stopped: bool) -> Outcome | None:
        """Decide what follows from the end of an attempt: the run is done, or it is put back.

        Returns:
            the outcome if the run is done; None if it was put back
        """
        if outcome.ending == "busy" and not stopped:
            self.leave(waiting)
            return None
        if outcome.transient and waiting.tries < self._retries and not stopped:
            self._retry(waiting)
            self._watcher.retrying(outcome)
            return None
        self._watcher.ended(outcome)
        return outcome

    def _retry(self, waiting: Waiting) -> None:
        waiting.not_before = time.monotonic() + RETRY_SECONDS * 2**waiting.tries
        waiting.tries += 1
        self._items.insert(0, waiting)

    def next(self) -> Waiting | Outcome | None:
        """Return a run to start, or how one ended elsewhere; None if there is neither at present."""
        now = time.monotonic()
        for waiting in [item for item in self._items if item.not_before <= now]:
            self._items.remove(waiting)
            folder = RunFolder.of(self._work.results, waiting.spec)
            state = folder.state()
            if state == "finished":
                return Outcome(waiting.spec, "finished")
            if state == "running" or claimed(folder.claim_file):
                self.leave(waiting)
                continue
            if state == "failed" and waiting.elsewhere and not folder.status().get("transient"):
                reason = f"{folder.status().get('error')} (log: {folder.log_file})"
                return Outcome(waiting.spec, "failed", reason)
            return waiting
        return None
