"""The local engine: each run a process of its own, some of them side by side."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from infoseg_bench.launchers.attempt import Attempt, Limits
from infoseg_bench.launchers.engine import Outcome, Watcher
from infoseg_bench.launchers.queue import Queue, Waiting
from infoseg_bench.launchers.work import Work
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.records.heartbeat import claim
from infoseg_bench.records.spec import RunSpec
from infoseg_bench.runs.stop import LAUNCHER
from infoseg_bench.utils.cores import usable_cores

POLL_SECONDS = 0.1
"""Between two looks at the workers; chosen by this project."""


@dataclass(kw_only=True)
class LocalEngine:
    """Runs specs on this machine.

    Attributes:
        work: how runs are done
        jobs: runs side by side; CPU threads are divided among them
        watcher: told of everything
        limits: of every run
        gpus: of `CUDA_VISIBLE_DEVICES`, dealt out to the runs; empty: every run sees all there are
    """

    work: Work
    jobs: int
    watcher: Watcher
    limits: Limits = field(default_factory=Limits)
    gpus: Sequence[str] = ()
    _active: list[Attempt] = field(default_factory=list)
    _stops: int = 0

    def run(self, specs: Sequence[RunSpec]) -> list[Outcome]:
        """Do the runs, as many side by side as there are jobs; those that others do are waited for."""
        queue = Queue(self.work, specs, watcher=self.watcher, retries=self.limits.retries)
        outcomes = list[Outcome]()
        before = {
            number: signal.signal(number, self._on_signal) for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            while self._active or (queue and not self._stops):
                outcomes += self._fill(queue)
                time.sleep(POLL_SECONDS)
                outcomes += self._collect(queue)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        return outcomes

    @property
    def stopped(self) -> bool:
        """Whether somebody has asked to stop."""
        return self._stops > 0

    def _fill(self, queue: Queue) -> list[Outcome]:
        outcomes = []
        while len(self._active) < self.jobs and not self._stops:
            item = queue.next()
            if item is None:
                break
            if isinstance(item, Waiting):
                self._start(item, queue)
            else:
                self.watcher.ended(item)
                outcomes.append(item)
        return outcomes

    def _start(self, waiting: Waiting, queue: Queue) -> None:
        spec, folder = waiting.spec, self.work.folder(waiting.spec)
        if not claim(folder.claim_file):
            queue.leave(waiting)
            return
        slot = min(set(range(self.jobs)) - {attempt.slot for attempt in self._active})
        process = self._spawn(spec, folder, slot)
        self._active.append(
            Attempt(spec=spec, folder=folder, process=process, slot=slot, tries=waiting.tries)
        )
        self.watcher.started(spec)

    def _spawn(self, spec: RunSpec, folder: RunFolder, slot: int) -> subprocess.Popen[bytes]:
        threads = max(1, usable_cores() // (self.jobs * self.work.processes))
        environment = {**os.environ, LAUNCHER: str(os.getpid())}
        if self.gpus:
            environment["CUDA_VISIBLE_DEVICES"] = self.gpus[slot % len(self.gpus)]
        # A session of its own keeps the terminal's Ctrl-C from the worker: it is told by this process.
        with folder.log_file.open("ab") as log:
            return subprocess.Popen(
                self.work.command(spec, threads=threads),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True,
            )  # fmt: skip

    def _collect(self, queue: Queue) -> list[Outcome]:
        outcomes = []
        for attempt in list(self._active):
            if attempt.process.poll() is None:
                if (told := attempt.told()) is not None:
                    self.watcher.moved(attempt.spec, told)
                attempt.check(self.limits)
            elif (outcome := self._ended(attempt, queue)) is not None:
                outcomes.append(outcome)
        return outcomes

    def _ended(self, attempt: Attempt, queue: Queue) -> Outcome | None:
        self._active.remove(attempt)
        attempt.folder.claim_file.unlink(missing_ok=True)
        outcome = self.work.outcome(attempt.spec, attempt.status, stopped=self.stopped, why=attempt.cause)
        return queue.settle(Waiting(attempt.spec, attempt.tries), outcome, stopped=self.stopped)

    def _on_signal(self, number: int, frame: object) -> None:
        self._stops += 1
        if self._stops == 1:
            self.watcher.stopping()
        for attempt in self._active:
            if self._stops == 1:
                attempt.ask_to_stop()
            else:
                attempt.end()
