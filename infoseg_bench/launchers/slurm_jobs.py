"""Which job has which run, noted in the runs' folders: a launcher that is started again finds its jobs."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from filelock import FileLock

from infoseg_bench.errors import UserError
from infoseg_bench.launchers.attempt import Limits
from infoseg_bench.launchers.queue import Waiting
from infoseg_bench.launchers.resources import SlurmShare
from infoseg_bench.launchers.slurm_task import Task, ended, read
from infoseg_bench.launchers.work import Work
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.records.spec import RunSpec
from infoseg_bench.utils.atomic import write_text

JOB_FILE = "slurm.json"
"""In a run's folder: the job that has it."""
GONE = "gone from the queue"
"""State of a job that the scheduler has forgotten."""
ENDED = {
    "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED",
    "REVOKED", "TIMEOUT", GONE,
}  # fmt: skip
"""States (https://slurm.schedmd.com/squeue.html) of jobs that are over."""


@runtime_checkable
class Scheduler(Protocol):
    """Where jobs are submitted."""

    def submit(self, tasks: Sequence[Task], share: SlurmShare) -> list[str]:
        """Submit tasks that need the same share; their job ids."""

    def states(self) -> dict[str, str] | None:
        """Return the state of every known job; None if nobody answers now."""

    def stop(self, jobs: Sequence[str], *, now: bool) -> None:
        """Cancel jobs; unless `now`, let those that run save their state."""


@dataclass
class Job:
    """A job.

    Attributes:
        waiting: its run
        id: the scheduler's, such as 17_3
        started: whether the watcher has been told of it
        missed: when it was first found to have ended without a word, on the monotonic clock
    """

    waiting: Waiting
    id: str
    started: bool = False
    missed: float | None = None

    @property
    def spec(self) -> RunSpec:
        """The run's."""
        return self.waiting.spec


@dataclass(frozen=True, kw_only=True)
class Jobs:
    """Finds and makes the jobs of runs.

    Attributes:
        work: how runs are done
        scheduler: where jobs are submitted
        share: gives what a run gets of the cluster
        limits: of every run
    """

    work: Work
    scheduler: Scheduler
    share: Callable[[RunSpec], SlurmShare]
    limits: Limits

    def find(self, runs: Sequence[Waiting]) -> list[Job]:
        """Return the jobs of those runs that queue or run already.

        Raises:
            UserError: nobody can say whether the jobs of earlier launchers are still there
        """
        noted = [(run, str(job)) for run in runs if (job := read(self._note(run.spec)).get("job"))]
        if not noted:
            return []
        states = self.scheduler.states()
        if states is None:
            raise UserError("Slurm's controller does not answer (squeue): try again when it does")
        return [
            Job(run, job)
            for run, job in noted
            if states.get(job, GONE) not in ENDED and not self._over(run.spec, job)
        ]

    def make(self, runs: Sequence[Waiting]) -> list[Job]:
        """Submit jobs for the runs, unless another launcher has just done it."""
        self.work.results.mkdir(parents=True, exist_ok=True)
        # Two launchers that start together would both find no job and submit one each.
        with FileLock(self.work.results / ".slurm.lock"):
            jobs = self.find(runs)
            found = {job.spec.identity for job in jobs}
            return jobs + self._submit([run for run in runs if run.spec.identity not in found])

    def _submit(self, runs: Sequence[Waiting]) -> list[Job]:
        groups: dict[str, list[Waiting]] = {}
        for run in runs:
            groups.setdefault(self.share(run.spec).model_dump_json(), []).append(run)
        jobs = []
        for group in groups.values():
            tasks = [self._task(run.spec) for run in group]
            for run, job in zip(group, self.scheduler.submit(tasks, self.share(group[0].spec)), strict=True):
                write_text(self._note(run.spec), json.dumps({"job": job}) + "\n")
                jobs.append(Job(run, job))
        return jobs

    def _task(self, spec: RunSpec) -> Task:
        share, folder = self.share(spec), self.work.folder(spec)
        threads = max(1, share.cpus // self.work.processes)
        command = self.work.command(spec, threads=threads, gpus=float(share.gpus))
        return Task(command, folder.path, self.limits)

    def _over(self, spec: RunSpec, job: str) -> bool:
        # The queue shows a job for some time after its worker's end.
        end = ended(RunFolder.of(self.work.results, spec).path, job)
        return end is not None and end.final

    def _note(self, spec: RunSpec) -> Path:
        return RunFolder.of(self.work.results, spec).path / JOB_FILE
