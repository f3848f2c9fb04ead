"""The Slurm engine: every run is a job of an array, and jobs outlive the launcher."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from infoseg_bench.launchers.engine import BaseEngine
from infoseg_bench.launchers.outcome import Outcome
from infoseg_bench.launchers.queue import Queue, Waiting
from infoseg_bench.launchers.resources import SlurmResources
from infoseg_bench.launchers.slurm_jobs import ENDED, GONE, Job, Jobs, Scheduler
from infoseg_bench.launchers.slurm_task import ended
from infoseg_bench.records.folder import INTERRUPTED, RunFolder
from infoseg_bench.records.spec import RunSpec

QUEUE_SECONDS = 5.0
"""Between two questions to Slurm's controller, which serves everybody; chosen by this project."""
GRACE_SECONDS = 15.0
"""For a network disk to show how a job that has left the queue has ended; chosen by this project."""
MACHINE = {"BOOT_FAIL", "NODE_FAIL", "PREEMPTED", GONE}
"""States of jobs that may well succeed when they are submitted again."""


@dataclass(kw_only=True)
class SlurmEngine(BaseEngine[Job]):
    """Does runs as Slurm jobs.

    If it is killed, its jobs go on. The same command finds those that queue or run, and follows them.

    Attributes:
        scheduler: where jobs are submitted
        resources: return what a run gets of the cluster
        queue_seconds: between two questions to the scheduler
        grace_seconds: after which a job that has left the queue without a note of its end counts as dead
    """

    scheduler: Scheduler
    resources: Callable[[RunSpec], SlurmResources]
    queue_seconds: float = QUEUE_SECONDS
    grace_seconds: float = GRACE_SECONDS
    _states: dict[str, str] | None = field(default=None, init=False)
    _asked: float = field(default=0.0, init=False)

    signals: ClassVar[Sequence[signal.Signals]] = (signal.SIGINT,)

    def __post_init__(self) -> None:
        """Prepare the submission of jobs."""
        self.jobs = Jobs(
            work=self.work, scheduler=self.scheduler, resources=self.resources, limits=self.limits
        )

    def adopt(self, runs: Sequence[Waiting]) -> list[Job]:
        """Return the jobs of earlier launchers that queue or run."""
        return self.jobs.find(runs)

    def start(self, runs: Sequence[Waiting], queue: Queue) -> None:
        """Submit a job for every run."""
        self.active += self.jobs.make(runs)

    def wait(self) -> None:
        """Wait, and ask the scheduler for the jobs' states if the last answer is old."""
        super().wait()
        self._states = None
        if time.monotonic() - self._asked >= self.queue_seconds:
            if self.stopped:
                # A job that was just starting did not hear an earlier request.
                self.stop(now=self.stopped_at_once)
            self._asked = time.monotonic()
            self._states = self.scheduler.states()

    def poll(self, run: Job) -> Outcome | None:
        """Return how a job has ended; None if it queues or runs."""
        if self.stopped_at_once:
            # The jobs are cancelled, or Slurm does not answer: there is nothing to wait for.
            return self.work.outcome(run.spec, INTERRUPTED, stopped=True)
        state = self._states.get(run.id, GONE) if self._states is not None else None
        end = ended(self._folder(run).path, run.id)
        if end is not None and (end.final or state in ENDED):
            return self.work.outcome(run.spec, end.status, stopped=self.stopped, why=end.why)
        if state in ENDED:
            return self._dead(run, str(state))
        if state == "RUNNING":
            self.begin(run)
        return None

    def stop(self, *, now: bool) -> None:
        """Let running jobs save their state and cancel the others, or cancel all of them."""
        self.scheduler.stop([job.id for job in self.active], now=now)

    def _dead(self, job: Job, state: str) -> Outcome | None:
        if self.stopped:
            return self.work.outcome(job.spec, INTERRUPTED, stopped=True)
        job.missed = job.missed or time.monotonic()
        if time.monotonic() - job.missed < self.grace_seconds:
            return None
        hint = f"; --slurm {job.spec.method}.mem_gb=N gives it more" if state == "OUT_OF_MEMORY" else ""
        reason = f"Slurm job {job.id} ended unexpectedly: {state}{hint} (log: {self._folder(job).log_file})"
        return Outcome(job.spec, "failed", reason, transient=state in MACHINE)

    def _folder(self, job: Job) -> RunFolder:
        return RunFolder.of(self.work.results, job.spec)
