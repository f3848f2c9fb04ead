"""The commands of Slurm: submit arrays with submitit, list jobs with squeue, stop them with scancel."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from infoseg_bench.errors import UsageError, UserError
from infoseg_bench.launchers.resources import SlurmResources
from infoseg_bench.launchers.slurm_task import Task
from infoseg_bench.utils.extras import extra

Item = TypeVar("Item")

NAME = "infoseg-bench"
"""Name of all jobs."""
ARRAY = 1000
"""Maximum number of jobs in an array: Slurm's default MaxArraySize is 1001."""
REQUEUES = 1000
"""Maximum number of times that a job may reach its time limit and be queued again; chosen by this project."""
WARNING_SECONDS = 90
"""Time before the time limit at which a run saves its state; submitit's default."""


class SlurmQueue:
    """The user's jobs on the Slurm cluster of this machine."""

    def __init__(self, logs: Path) -> None:
        """Check that Slurm is available.

        Args:
            logs: folder for submitit's files, visible to all nodes

        Raises:
            UsageError: submitit or Slurm is not installed
        """
        self._submitit, self._logs = extra("submitit", "slurm"), logs
        if self._submitit.SlurmExecutor.affinity() < 0:
            raise UsageError("no srun on this machine: run --engine slurm on a login node of a Slurm cluster")

    def submit(self, tasks: Sequence[Task], resources: SlurmResources) -> list[str]:
        """Submit tasks as arrays.

        Returns:
            their job ids, such as 17_3

        Raises:
            UserError: sbatch fails
        """
        executor = self._submitit.SlurmExecutor(self._logs, max_num_timeout=REQUEUES)
        executor.update_parameters(**_parameters(resources))
        jobs: list[Any] = []
        try:
            for some in _chunks(tasks, ARRAY):
                jobs += executor.submit_array(some)
        except self._submitit.core.utils.FailedJobError as error:
            lines = [line for line in str(error).splitlines() if line.startswith("sbatch:")]
            raise UserError(" ".join(lines) or f"sbatch has failed: {error}") from None
        return [str(job.job_id) for job in jobs]

    def states(self) -> dict[str, str] | None:
        """Return the states of all jobs that Slurm lists, by id; None if it does not respond."""
        argv = ["squeue", "--me", f"--name={NAME}", "--array", "--states=all", "--noheader", "--format=%i %T"]
        # A failure is not final: jobs continue while the controller restarts.
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode:
            return None
        return dict(line.split(maxsplit=1) for line in done.stdout.splitlines())

    def stop(self, jobs: Sequence[str], *, now: bool) -> None:
        """Cancel jobs; unless `now`, running ones are asked to save their state and stop."""
        for some in _chunks(jobs, 500):
            if now:
                _scancel(*some)
            else:
                _scancel("--state=PENDING", *some)
                _scancel("--state=RUNNING", "--signal=TERM", *some)


def _scancel(*arguments: str) -> None:
    # scancel fails for jobs that have just ended.
    subprocess.run(["scancel", "--quiet", *arguments], capture_output=True, check=False)


def _parameters(resources: SlurmResources) -> dict[str, Any]:
    """Return the resources as parameters of submitit; unknown ones are passed to sbatch unchanged."""
    from submitit.slurm.slurm import SlurmExecutor

    others = {key: _value(value) for key, value in (resources.model_extra or {}).items()}
    known = SlurmExecutor._valid_parameters()
    return {
        "job_name": NAME,
        "time": resources.minutes,
        # If the warning came earlier, a short job would be queued again as soon as it starts.
        "signal_delay_s": min(WARNING_SECONDS, 30 * resources.minutes),
        "cpus_per_task": resources.cpus,
        "mem": f"{round(resources.mem_gb * 1024)}M",
        **({"gpus_per_node": resources.gpus} if resources.gpus else {}),
        # Since Slurm 22.05 srun does not inherit this from sbatch.
        "srun_args": [f"--cpus-per-task={resources.cpus}"],
        **{key: value for key, value in others.items() if key in known},
        "additional_parameters": {
            "requeue": True, **{key: value for key, value in others.items() if key not in known},
        },
    }  # fmt: skip


def _value(text: str) -> str | int | bool:
    return True if text == "true" else int(text) if text.isdigit() else text


def _chunks(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
