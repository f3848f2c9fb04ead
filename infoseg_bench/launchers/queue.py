"""Runs that wait for their turn, those that another launcher does included."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from infoseg_bench.launchers.engine import Outcome, Watcher
from infoseg_bench.launchers.work import Work
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.records.heartbeat import claimed
from infoseg_bench.records.spec import RunSpec

ELSEWHERE_SECONDS = 1.0
"""Between two looks at a run that another launcher does; chosen by this project."""
RETRY_SECONDS = 1.0
"""Before the first retry, twice as long before every further one; chosen by this project."""


@dataclass
class Waiting:
    """A run that waits.

    Attributes:
        spec: the run
        tries: attempts so far
        elsewhere: whether another launcher was seen at it
        not_before: on the monotonic clock, seconds
    """

    spec: RunSpec
    tries: int = 0
    elsewhere: bool = False
    not_before: float = 0.0


class Queue:
    """Gives runs in their order, leaving aside those that others do until those have ended."""

    def __init__(self, work: Work, specs: Sequence[RunSpec], *, watcher: Watcher, retries: int) -> None:
        """Take the runs; nothing is looked at yet.

        Args:
            work: how runs are done
            specs: the runs, in their order
            watcher: told of what ends or is tried again
            retries: attempts after a failure that may have passed
        """
        self._work, self._watcher, self._retries = work, watcher, retries
        self._items = [Waiting(spec) for spec in specs]

    def __bool__(self) -> bool:
        return bool(self._items)

    def leave(self, waiting: Waiting) -> None:
        """Look at it again in a while: another launcher does it."""
        waiting.elsewhere = True
        waiting.not_before = time.monotonic() + ELSEWHERE_SECONDS
        self._items.append(waiting)

    def settle(self, waiting: Waiting, outcome: Outcome, *, stopped: bool) -> Outcome | None:
        """Take back a run whose attempt has ended and that is to be tried or looked at again.

        Returns:
            the outcome if it is the last word on the run
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
        """Return a run to start, or how another launcher's has ended; None: there is nothing just now."""
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
