"""The Slurm jobs of runs; their ids are kept in the run folders, so that a later launcher finds them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from filelock import FileLock

from infoseg_bench.errors import UserError
from infoseg_bench.launchers.attempt import Limits
from infoseg_bench.launchers.engine import ActiveRun
from infoseg_bench.launchers.queue import Waiting
from infoseg_bench.launchers.resources import SlurmResources
from infoseg_bench.launchers.slurm_task import Task, ended, read
from infoseg_bench.launchers.work import Work
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.records.spec import RunSpec
from infoseg_bench.utils.atomic import write_text

JOB_FILE = "slurm.json"
"""Name of the file in a run's folder that contains its job id."""
GONE = "gone from the queue"
"""State of a job that the scheduler does not list."""
ENDED = {
    "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED",
    "REVOKED", "TIMEOUT", GONE,
}  # fmt: skip
"""States of jobs that have ended (https://slurm.schedmd.com/squeue.html)."""


@runtime_checkable
class Scheduler(Protocol):
    """A scheduler to which jobs are submitted."""

    def submit(self, tasks: Sequence[Task], resources: SlurmResources) -> list[str]:
        """Submit tasks that need the same resources, and return their job ids."""

    def states(self) -> dict[str, str] | None:
        """Return the states of all known jobs by id; None if the scheduler does not respond."""

    def stop(self, jobs: Sequence[str], *, now: bool) -> None:
        """Cancel jobs; unless `now`, running ones may save their state."""


@dataclass(kw_only=True, eq=False)
class Job(ActiveRun):
    """A run that is a Slurm job.

    Attributes:
        id: id of the job, such as 17_3
        missed: time in seconds of the monotonic clock when the job was first found to have left the queue
            without an exit file; None if it has not
    """

    id: str
    missed: float | None = None


@dataclass(frozen=True, kw_only=True)
class Jobs:
    """Finds and submits the jobs of runs.

    Attributes:
        work: settings of the runs that do not affect their results
        scheduler: the scheduler to submit jobs to
        resources: returns the resources of a run
        limits: limits of every run
    """

    work: Work
    scheduler: Scheduler
    resources: Callable[[RunSpec], SlurmResources]
    limits: Limits

    def find(self, runs: Sequence[Waiting]) -> list[Job]:
        """Return the pending and running jobs of the runs.

        Raises:
            UserError: an earlier launcher has submitted jobs, and Slurm does not respond
        """
        noted = [(run, str(job)) for run in runs if (job := read(self._note(run.spec)).get("job"))]
        if not noted:
            return []
        states = self.scheduler.states()
        if states is None:
            raise UserError("Slurm's controller does not respond (squeue): try again later")
        return [
            Job(waiting=run, id=job)
            for run, job in noted
            if states.get(job, GONE) not in ENDED and not self._over(run.spec, job)
        ]

    def make(self, runs: Sequence[Waiting]) -> list[Job]:
        """Return jobs for the runs, submitting those that no other launcher has submitted."""
        self.work.results.mkdir(parents=True, exist_ok=True)
        # Without the lock, two launchers started at the same time would both submit a job for a run.
        with FileLock(self.work.results / ".slurm.lock"):
            jobs = self.find(runs)
            found = {job.spec.identity for job in jobs}
            return jobs + self._submit([run for run in runs if run.spec.identity not in found])

    def _submit(self, runs: Sequence[Waiting]) -> list[Job]:
        groups: dict[str, list[Waiting]] = {}
        for run in runs:
            groups.setdefault(self.resources(run.spec).model_dump_json(), []).append(run)
        jobs = []
        for group in groups.values():
            tasks = [self._task(run.spec) for run in group]
            ids = self.scheduler.submit(tasks, self.resources(group[0].spec))
            for run, job in zip(group, ids, strict=True):
                write_text(self._note(run.spec), json.dumps({"job": job}) + "\n")
                jobs.append(Job(waiting=run, id=job))
        return jobs

    def _task(self, spec: RunSpec) -> Task:
        resources, folder = self.resources(spec), self.work.folder(spec)
        threads = max(1, resources.cpus // self.work.processes)
        command = self.work.command(spec, threads=threads, gpus=float(resources.gpus))
        return Task(command, folder.path, self.limits)

    def _over(self, spec: RunSpec, job: str) -> bool:
        # Slurm still lists a job for some time after its worker has ended.
        end = ended(RunFolder.of(self.work.results, spec).path, job)
        return end is not None and end.final

    def _note(self, spec: RunSpec) -> Path:
        return RunFolder.of(self.work.results, spec).path / JOB_FILE
