"""The Slurm engine: arrays of jobs, one job a run, that outlive the launcher."""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from infoseg_bench.launchers.engine import Outcome, Watcher
from infoseg_bench.launchers.queue import Queue, Waiting
from infoseg_bench.launchers.slurm_jobs import ENDED, GONE, Job, Jobs
from infoseg_bench.launchers.slurm_task import ended
from infoseg_bench.records.folder import INTERRUPTED, RunFolder
from infoseg_bench.records.spec import RunSpec

POLL_SECONDS = 0.5
"""Between two looks at the run folders; chosen by this project."""
QUEUE_SECONDS = 5.0
"""Between two questions to Slurm's controller, which serves everybody; chosen by this project."""
GRACE_SECONDS = 15.0
"""For a network disk to show how a job that has left the queue has ended; chosen by this project."""
MACHINE = {"BOOT_FAIL", "NODE_FAIL", "PREEMPTED", GONE}
"""States of jobs that may well succeed when they are submitted again."""


@dataclass(kw_only=True)
class SlurmEngine:
    """Runs specs as Slurm jobs.

    Killed, it leaves its jobs alone; asked again, it finds those that queue or run, and watches them.

    Attributes:
        jobs: finds and makes jobs
        watcher: told of everything
        queue_seconds: between two questions to the queue
        grace_seconds: until a job that is gone without a word counts as dead
    """

    jobs: Jobs
    watcher: Watcher
    queue_seconds: float = QUEUE_SECONDS
    grace_seconds: float = GRACE_SECONDS
    _active: list[Job] = field(default_factory=list)
    _stops: int = 0
    _heard: int = 0
    _asked: float = 0.0

    def run(self, specs: Sequence[RunSpec]) -> list[Outcome]:
        """Find or submit a job for every run, and wait for them."""
        outcomes = list[Outcome]()
        before = signal.signal(signal.SIGINT, self._on_signal)
        try:
            self._active = self.jobs.find([Waiting(spec) for spec in specs])
            found = {job.spec.identity for job in self._active}
            rest = [spec for spec in specs if spec.identity not in found]
            queue = Queue(self.jobs.work, rest, watcher=self.watcher, retries=self.jobs.limits.retries)
            while self._active or (queue and not self._stops):
                outcomes += self._fill(queue)
                time.sleep(POLL_SECONDS)
                self._pass_stops_on()
                outcomes += self._collect(queue)
        finally:
            signal.signal(signal.SIGINT, before)
        return outcomes

    @property
    def stopped(self) -> bool:
        """Whether somebody has asked to stop."""
        return self._stops > 0

    def _fill(self, queue: Queue) -> list[Outcome]:
        runs, outcomes = list[Waiting](), list[Outcome]()
        while not self._stops and (item := queue.next()) is not None:
            if isinstance(item, Waiting):
                runs.append(item)
            else:
                self.watcher.ended(item)
                outcomes.append(item)
        if runs:
            self._active += self.jobs.make(runs)
        return outcomes

    def _collect(self, queue: Queue) -> list[Outcome]:
        states = self._states()
        outcomes = list[Outcome | None]()
        for job in list(self._active):
            outcome = self._outcome(job, states)
            self._watch(job, states, over=outcome is not None)
            if outcome is not None:
                self._active.remove(job)
                outcomes.append(queue.settle(job.waiting, outcome, stopped=self.stopped))
        return [outcome for outcome in outcomes if outcome is not None]

    def _states(self) -> dict[str, str] | None:
        if time.monotonic() - self._asked < self.queue_seconds:
            return None
        self._asked = time.monotonic()
        return self.jobs.scheduler.states()

    def _outcome(self, job: Job, states: dict[str, str] | None) -> Outcome | None:
        end = ended(self._folder(job).path, job.id)
        if self._heard > 1:
            # Its jobs are cancelled, or Slurm does not answer: nothing is worth waiting for.
            return self.jobs.work.outcome(job.spec, INTERRUPTED, stopped=True)
        queued = states is None or states.get(job.id, GONE) not in ENDED
        if end is not None and (end.final or not queued):
            return self.jobs.work.outcome(job.spec, end.status, stopped=self.stopped, why=end.why)
        return None if queued else self._dead(job, (states or {}).get(job.id, GONE))

    def _dead(self, job: Job, state: str) -> Outcome | None:
        if self._stops:
            return self.jobs.work.outcome(job.spec, INTERRUPTED, stopped=True)
        job.missed = job.missed or time.monotonic()
        if time.monotonic() - job.missed < self.grace_seconds:
            return None
        hint = f"; --slurm {job.spec.method}.mem_gb=N gives it more" if state == "OUT_OF_MEMORY" else ""
        log = self._folder(job).log_file
        reason = f"Slurm job {job.id} has ended without a word: {state}{hint} (log: {log})"
        return Outcome(job.spec, "failed", reason, transient=state in MACHINE)

    def _watch(self, job: Job, states: dict[str, str] | None, *, over: bool) -> None:
        status = self._folder(job).status()
        if not job.started and (status or over or (states or {}).get(job.id) == "RUNNING"):
            job.started = True
            self.watcher.started(job.spec)
        if job.started and not over:
            self.watcher.moved(job.spec, status)

    def _folder(self, job: Job) -> RunFolder:
        return RunFolder.of(self.jobs.work.results, job.spec)

    def _pass_stops_on(self) -> None:
        if self._stops == 1 and not self._heard:
            self.watcher.stopping()
        # A job that is just starting hears nothing yet, so it is told again at every look.
        if self._stops > self._heard or (
            self._stops and time.monotonic() - self._asked >= self.queue_seconds
        ):
            self.jobs.scheduler.stop([job.id for job in self._active], now=self._stops > 1)
        self._heard = self._stops

    def _on_signal(self, number: int, frame: object) -> None:
        self._stops += 1
