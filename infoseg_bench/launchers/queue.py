"""The queue of runs to start, including those that another launcher is executing."""

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
"""Time between two checks of a run that another launcher is executing; chosen by this project."""
RETRY_SECONDS = 1.0
"""Time before the first retry, which is doubled before each further one; chosen by this project."""


@dataclass
class Waiting:
    """A run that waits to be started.

    Attributes:
        spec: the run
        tries: number of attempts so far
        elsewhere: whether another launcher has been found to execute it
        not_before: earliest time of the next check, in seconds of the monotonic clock
    """

    spec: RunSpec
    tries: int = 0
    elsewhere: bool = False
    not_before: float = 0.0


class Queue:
    """Returns runs in order; those that other launchers are executing are checked again later."""

    def __init__(self, work: Work, specs: Sequence[RunSpec], *, watcher: Watcher, retries: int) -> None:
        """Create the queue; run folders are not read yet.

        Args:
            work: settings of the runs that do not affect their results
            specs: the runs, in order
            watcher: informed of runs that end or will be tried again
            retries: maximum number of further attempts after failures of the machine
        """
        self._work, self._watcher, self._retries = work, watcher, retries
        self._items = [Waiting(spec) for spec in specs]

    def __bool__(self) -> bool:
        return bool(self._items)

    def leave(self, waiting: Waiting) -> None:
        """Put back a run that another launcher is executing, to check it again later."""
        waiting.elsewhere = True
        waiting.not_before = time.monotonic() + ELSEWHERE_SECONDS
        self._items.append(waiting)

    def settle(self, waiting: Waiting, outcome: Outcome, *, stopped: bool) -> Outcome | None:
        """Put back a run whose attempt has ended, if it is worth another attempt.

        Returns:
            the outcome of the run; None if it was put back
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
        """Return a run to start, or the outcome of a run executed elsewhere; None if there is neither now."""
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
