"""Slurm's own commands: submit arrays through submitit, ask squeue, stop with scancel."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from infoseg_bench.errors import UsageError, UserError
from infoseg_bench.launchers.resources import SlurmShare
from infoseg_bench.launchers.slurm_task import Task
from infoseg_bench.utils.extras import extra

Item = TypeVar("Item")

NAME = "infoseg-bench"
"""Of every job."""
ARRAY = 1000
"""Jobs of an array at most: Slurm's default MaxArraySize is 1001."""
REQUEUES = 1000
"""How often a job may reach its time limit: each time it has come further; chosen by this project."""
WARNING_SECONDS = 90
"""Before the time limit, for saving a run's state; submitit's default."""


class SlurmQueue:
    """The queue of this user on the Slurm of this machine."""

    def __init__(self, logs: Path) -> None:
        """Check that it is there.

        Args:
            logs: folder for submitit's files, on a disk that all nodes see

        Raises:
            UsageError: no submitit, or no Slurm
        """
        self._submitit, self._logs = extra("submitit", "slurm"), logs
        if self._submitit.SlurmExecutor.affinity() < 0:
            raise UsageError("no srun on this machine: --engine slurm is for a login node of a Slurm cluster")

    def submit(self, tasks: Sequence[Task], share: SlurmShare) -> list[str]:
        """Submit tasks as arrays.

        Returns:
            their job ids, such as 17_3

        Raises:
            UserError: sbatch refuses
        """
        executor = self._submitit.SlurmExecutor(self._logs, max_num_timeout=REQUEUES)
        executor.update_parameters(**_parameters(share))
        jobs: list[Any] = []
        try:
            for some in _chunks(tasks, ARRAY):
                jobs += executor.submit_array(some)
        except self._submitit.core.utils.FailedJobError as error:
            lines = [line for line in str(error).splitlines() if line.startswith("sbatch:")]
            raise UserError(" ".join(lines) or f"sbatch has failed: {error}") from None
        return [str(job.job_id) for job in jobs]

    def states(self) -> dict[str, str] | None:
        """Return the state of every job that Slurm still knows; None if it does not answer now."""
        words = [
            "squeue",
            "--me",
            f"--name={NAME}",
            "--array",
            "--states=all",
            "--noheader",
            "--format=%i %T",
        ]
        # A controller that restarts answers again later; its jobs go on.
        asked = subprocess.run(words, capture_output=True, text=True, check=False)
        if asked.returncode:
            return None
        return dict(line.split(maxsplit=1) for line in asked.stdout.splitlines())

    def stop(self, jobs: Sequence[str], *, now: bool) -> None:
        """Cancel jobs; unless `now`, those that run are told to save their state and end themselves."""
        for some in _chunks(jobs, 500):
            if now:
                _scancel(*some)
            else:
                _scancel("--state=PENDING", *some)
                _scancel("--state=RUNNING", "--signal=TERM", *some)


def _scancel(*words: str) -> None:
    # It complains of jobs that have just ended.
    subprocess.run(["scancel", "--quiet", *words], capture_output=True, check=False)


def _parameters(share: SlurmShare) -> dict[str, Any]:
    """Return what submitit calls things; what it has no name for goes to sbatch as it is."""
    from submitit.slurm.slurm import SlurmExecutor

    others = {key: _value(value) for key, value in (share.model_extra or {}).items()}
    known = SlurmExecutor._valid_parameters()
    return {
        "job_name": NAME,
        "time": share.minutes,
        # Warned any earlier, a short job would queue again as soon as it starts.
        "signal_delay_s": min(WARNING_SECONDS, 30 * share.minutes),
        "cpus_per_task": share.cpus,
        "mem": f"{round(share.mem_gb * 1024)}M",
        **({"gpus_per_node": share.gpus} if share.gpus else {}),
        # Since Slurm 22.05 srun does not take this from sbatch.
        "srun_args": [f"--cpus-per-task={share.cpus}"],
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
