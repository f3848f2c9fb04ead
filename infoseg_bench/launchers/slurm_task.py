"""The task of a Slurm job: run a worker, and write to the run's folder how it ended."""

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
"""Name of the exit file in a run's folder, which contains how the worker of its job ended."""


class Task:
    """Executes one run. submitit pickles it, and Slurm may start it again at any time."""

    def __init__(self, command: Sequence[str], folder: Path, limits: Limits) -> None:
        """Create the task; takes the arguments of `NodeRun`."""
        self._arguments = (command, folder, limits)
        self._file, self._run = folder / EXIT_FILE, NodeRun(*self._arguments)

    def __call__(self) -> int:
        """Execute the run.

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
        """Ask the worker to save its state and stop; submitit calls this before it queues the job again.

        This interrupts `__call__`, so no exit file is written.
        """
        from submitit.helpers import DelayedSubmission

        self._run.stop()
        return DelayedSubmission(Task(*self._arguments))


def ended(folder: Path, job: str) -> Ended | None:
    """Return how the worker of a job ended; None if it has not ended."""
    note = read(folder / EXIT_FILE)
    return Ended(int(str(note["status"])), str(note["why"])) if note.get("job") == job else None


def read(file: Path) -> dict[str, object]:
    """Return the object in a JSON file; an empty one if the file is missing or damaged."""
    try:
        content = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
