"""The Slurm engine: each run is a job of an array, and jobs continue if the launcher ends."""

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
"""Time between two requests to Slurm's controller, which all users share; chosen by this project."""
GRACE_SECONDS = 15.0
"""Time for the exit file of a job to appear on a network disk; chosen by this project."""
MACHINE = {"BOOT_FAIL", "NODE_FAIL", "PREEMPTED", GONE}
"""States of failed jobs that are worth submitting again; chosen by this project."""


@dataclass(kw_only=True)
class SlurmEngine(BaseEngine[Job]):
    """Executes runs as Slurm jobs.

    If the launcher is killed, its jobs continue. The same command then finds and follows them.

    Attributes:
        scheduler: the scheduler to submit jobs to
        resources: returns the resources of a run
        queue_seconds: time between two requests to the scheduler
        grace_seconds: time after which a job counts as dead that has left the queue without an exit file
    """

    scheduler: Scheduler
    resources: Callable[[RunSpec], SlurmResources]
    queue_seconds: float = QUEUE_SECONDS
    grace_seconds: float = GRACE_SECONDS
    _states: dict[str, str] | None = field(default=None, init=False)
    _asked: float = field(default=0.0, init=False)

    signals: ClassVar[Sequence[signal.Signals]] = (signal.SIGINT,)

    def __post_init__(self) -> None:
        """Create the object that submits jobs."""
        self.jobs = Jobs(
            work=self.work, scheduler=self.scheduler, resources=self.resources, limits=self.limits
        )

    def adopt(self, runs: Sequence[Waiting]) -> list[Job]:
        """Return the pending and running jobs of earlier launchers."""
        return self.jobs.find(runs)

    def start(self, runs: Sequence[Waiting], queue: Queue) -> None:
        """Submit a job for each run."""
        self.active += self.jobs.make(runs)

    def wait(self) -> None:
        """Wait, and request the states of the jobs if the last ones are older than `queue_seconds`."""
        super().wait()
        self._states = None
        if time.monotonic() - self._asked >= self.queue_seconds:
            if self.stopped:
                # A job that was just starting may have missed the first request.
                self.stop(now=self.stopped_at_once)
            self._asked = time.monotonic()
            self._states = self.scheduler.states()

    def poll(self, run: Job) -> Outcome | None:
        """Return how a job has ended; None if it is pending or running."""
        if self.stopped_at_once:
            # The jobs are cancelled, or Slurm does not respond; in both cases there is nothing to wait for.
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
        """Ask running jobs to save their state and cancel pending ones; with `now`, cancel all."""
        self.scheduler.stop([job.id for job in self.active], now=now)

    def _dead(self, job: Job, state: str) -> Outcome | None:
        if self.stopped:
            return self.work.outcome(job.spec, INTERRUPTED, stopped=True)
        job.missed = job.missed or time.monotonic()
        if time.monotonic() - job.missed < self.grace_seconds:
            return None
        hint = f"; try more memory: --slurm {job.spec.method}.mem_gb=N" if state == "OUT_OF_MEMORY" else ""
        reason = f"Slurm job {job.id} ended unexpectedly: {state}{hint} (log: {self._folder(job).log_file})"
        return Outcome(job.spec, "failed", reason, transient=state in MACHINE)

    def _folder(self, job: Job) -> RunFolder:
        return RunFolder.of(self.work.results, job.spec)
