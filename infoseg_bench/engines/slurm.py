"""The Slurm engine: arrays of jobs, one job a run, that outlive the launcher."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from filelock import FileLock

from infoseg_bench.atomic import write_text
from infoseg_bench.engines.engine import Outcome, Watcher
from infoseg_bench.engines.resources import SlurmShare
from infoseg_bench.engines.slurm_queue import ENDED
from infoseg_bench.engines.slurm_task import JOB_FILE, Task, exit_status, read
from infoseg_bench.engines.work import Work
from infoseg_bench.runs.folder import RunFolder
from infoseg_bench.runs.spec import RunSpec
from infoseg_bench.runs.worker import INTERRUPTED

POLL_SECONDS = 0.5
"""Between two looks at the run folders; ours."""
QUEUE_SECONDS = 5.0
"""Between two questions to Slurm's controller, which serves everybody; ours."""
GRACE_SECONDS = 15.0
"""For a network disk to show how a job that has left the queue has ended; ours."""


@runtime_checkable
class Queue(Protocol):
    """What the engine needs of a scheduler."""

    def submit(self, tasks: Sequence[Task], share: SlurmShare) -> list[str]:
        """Submit tasks that need the same share; their job ids."""

    def states(self) -> dict[str, str] | None:
        """Give the state of every known job; None if nobody answers now."""

    def stop(self, jobs: Sequence[str], *, now: bool) -> None:
        """Cancel jobs; unless `now`, let those that run save their state."""


@dataclass
class _Job:
    spec: RunSpec
    id: str
    started: bool = False
    missed: float | None = None


@dataclass(kw_only=True)
class SlurmEngine:
    """Runs specs as Slurm jobs.

    Killed, it leaves its jobs alone; asked again, it finds those that queue or run, and watches them.

    Attributes:
        work: how runs are done, with absolute paths that every node sees
        queue: where jobs are submitted
        share: gives what a run gets of the cluster
        watcher: told of everything
        queue_seconds: between two questions to the queue
        grace_seconds: until a job that is gone without a word counts as dead
    """

    work: Work
    queue: Queue
    share: Callable[[RunSpec], SlurmShare]
    watcher: Watcher
    queue_seconds: float = QUEUE_SECONDS
    grace_seconds: float = GRACE_SECONDS
    _jobs: list[_Job] = field(default_factory=list)
    _stops: int = 0
    _heard: int = 0
    _asked: float = 0.0

    def run(self, specs: Sequence[RunSpec]) -> list[Outcome]:
        """Find or submit a job for every run, and wait for them."""
        outcomes: list[Outcome] = []
        before = signal.signal(signal.SIGINT, self._on_signal)
        try:
            self._enqueue(specs)
            while self._jobs:
                time.sleep(POLL_SECONDS)
                self._pass_stops_on()
                outcomes += self._collect()
        finally:
            signal.signal(signal.SIGINT, before)
        return outcomes

    @property
    def stopped(self) -> bool:
        """Whether somebody has asked to stop."""
        return self._stops > 0

    def _enqueue(self, specs: Sequence[RunSpec]) -> None:
        # Two launchers that start together would both find no job and submit one each.
        self.work.results.mkdir(parents=True, exist_ok=True)
        with FileLock(self.work.results / ".slurm.lock"):
            states = self.queue.states() or {}
            for spec in specs:
                job = str(read(_folder(self.work, spec) / JOB_FILE).get("job"))
                if states.get(job, "gone") not in {*ENDED, "gone"}:
                    self._jobs.append(_Job(spec, job))
            found = {job.spec.identity for job in self._jobs}
            self._submit([spec for spec in specs if spec.identity not in found])

    def _submit(self, specs: Sequence[RunSpec]) -> None:
        groups: dict[str, list[RunSpec]] = {}
        for spec in specs:
            groups.setdefault(self.share(spec).model_dump_json(), []).append(spec)
        for group in groups.values():
            tasks = [self._task(spec) for spec in group]
            for spec, job in zip(group, self.queue.submit(tasks, self.share(group[0])), strict=True):
                write_text(_folder(self.work, spec) / JOB_FILE, json.dumps({"job": job}) + "\n")
                self._jobs.append(_Job(spec, job))

    def _task(self, spec: RunSpec) -> Task:
        folder = self.work.folder(spec)
        threads = max(1, self.share(spec).cpus // self.work.processes)
        return Task(self.work.command(spec, threads=threads), folder.path, folder.log_file)

    def _collect(self) -> list[Outcome]:
        states = self._states()
        outcomes = []
        for job in list(self._jobs):
            outcome = self._outcome(job, states)
            self._watch(job, states, over=outcome is not None)
            if outcome is not None:
                self._jobs.remove(job)
                self.watcher.ended(outcome)
                outcomes.append(outcome)
        return outcomes

    def _states(self) -> dict[str, str] | None:
        if time.monotonic() - self._asked < self.queue_seconds:
            return None
        self._asked = time.monotonic()
        return self.queue.states()

    def _outcome(self, job: _Job, states: dict[str, str] | None) -> Outcome | None:
        status = exit_status(_folder(self.work, job.spec), job.id)
        if status is not None and status != INTERRUPTED and status >= 0:
            return self.work.outcome(job.spec, status, stopped=self.stopped)
        # An interrupted worker's job may be queued again, so the queue decides.
        if states is None or states.get(job.id, "gone") not in {*ENDED, "gone"}:
            return None
        if status is not None:
            return self.work.outcome(job.spec, status, stopped=self.stopped)
        return self._dead(job, states.get(job.id, "gone from the queue"))

    def _dead(self, job: _Job, state: str) -> Outcome | None:
        if self.stopped:
            return self.work.outcome(job.spec, INTERRUPTED, stopped=True)
        job.missed = job.missed or time.monotonic()
        if time.monotonic() - job.missed < self.grace_seconds:
            return None
        log = RunFolder.of(self.work.results, job.spec).log_file
        return Outcome(
            job.spec, "failed", f"Slurm job {job.id} has ended without a word: {state} (log: {log})"
        )

    def _watch(self, job: _Job, states: dict[str, str] | None, *, over: bool) -> None:
        status = RunFolder.of(self.work.results, job.spec).status()
        if not job.started and (status or over or (states or {}).get(job.id) == "RUNNING"):
            job.started = True
            self.watcher.started(job.spec)
        if job.started and not over:
            self.watcher.moved(job.spec, status)

    def _pass_stops_on(self) -> None:
        if self._stops == 1 and not self._heard:
            self.watcher.stopping()
        # A job that is just starting hears nothing yet, so it is told again at every look.
        if self._stops > self._heard or (
            self._stops and time.monotonic() - self._asked >= self.queue_seconds
        ):
            self.queue.stop([job.id for job in self._jobs], now=self._stops > 1)
        self._heard = self._stops

    def _on_signal(self, number: int, frame: object) -> None:
        self._stops += 1


def _folder(work: Work, spec: RunSpec) -> Path:
    return RunFolder.of(work.results, spec).path
