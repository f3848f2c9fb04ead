"""What a Slurm job does: a run's worker, until it ends or Slurm warns; and a note of how it ended."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from infoseg_bench.launchers.attempt import Limits
from infoseg_bench.launchers.node import Ended, NodeRun
from infoseg_bench.utils.atomic import write_text

if TYPE_CHECKING:
    from submitit.helpers import DelayedSubmission

EXIT_FILE = "slurm-exit.json"
"""In a run's folder: how its job's worker has ended."""


class Task:
    """Does one run; submitit pickles it, and Slurm may start it again any time."""

    def __init__(self, command: Sequence[str], folder: Path, limits: Limits) -> None:
        """Take the worker's words, the run's folder, and what it may take."""
        self._words = (command, folder, limits)
        self._file, self._run = folder / EXIT_FILE, NodeRun(*self._words)

    def __call__(self) -> int:
        """Do it.

        Returns:
            the worker's exit status
        """
        import submitit

        job = submitit.JobEnvironment().job_id
        self._file.unlink(missing_ok=True)
        ended = self._run.run()
        write_text(self._file, json.dumps({"job": job, **asdict(ended)}) + "\n")
        return ended.status

    def checkpoint(self) -> DelayedSubmission:
        """Let the worker save its state and stop; called by submitit when the job is to be queued again.

        It interrupts `__call__`, which therefore never learns of the worker's end.
        """
        from submitit.helpers import DelayedSubmission

        self._run.stop()
        return DelayedSubmission(Task(*self._words))


def ended(folder: Path, job: str) -> Ended | None:
    """Read how a job's worker has ended; None if it has not."""
    told = read(folder / EXIT_FILE)
    return Ended(int(str(told["status"])), str(told["why"])) if told.get("job") == job else None


def read(file: Path) -> dict[str, object]:
    """Read a small JSON file; empty if it is not there."""
    try:
        content = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
