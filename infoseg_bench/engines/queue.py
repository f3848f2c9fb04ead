"""Runs that wait for their turn, those that another launcher does included."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from infoseg_bench.engines.engine import Outcome
from infoseg_bench.engines.work import Work
from infoseg_bench.runs.folder import RunFolder
from infoseg_bench.runs.ownership import claimed
from infoseg_bench.runs.spec import RunSpec

ELSEWHERE_SECONDS = 1.0
"""Between two looks at a run that another launcher does; ours."""
RETRY_SECONDS = 1.0
"""Before the first retry, twice as long before every further one; ours."""


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

    def __init__(self, work: Work, specs: Sequence[RunSpec]) -> None:
        """Take the runs; nothing is looked at yet."""
        self._work = work
        self._items = [Waiting(spec) for spec in specs]

    def __bool__(self) -> bool:
        return bool(self._items)

    def leave(self, waiting: Waiting) -> None:
        """Look at it again in a while: another launcher does it."""
        waiting.elsewhere = True
        waiting.not_before = time.monotonic() + ELSEWHERE_SECONDS
        self._items.append(waiting)

    def retry(self, waiting: Waiting) -> None:
        """Try it again in a while."""
        waiting.not_before = time.monotonic() + RETRY_SECONDS * 2**waiting.tries
        waiting.tries += 1
        self._items.insert(0, waiting)

    def next(self) -> Waiting | Outcome | None:
        """Give a run to start, or how another launcher's has ended; None: there is nothing just now."""
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
