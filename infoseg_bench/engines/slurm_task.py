"""What a Slurm job does: start a run's worker, pass the scheduler's warning on, and note how it ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from infoseg_bench.atomic import write_text

if TYPE_CHECKING:
    from submitit.helpers import DelayedSubmission

JOB_FILE, EXIT_FILE = "slurm.json", "slurm-exit.json"
"""In a run's folder: the job that has it, written by the launcher, and how that ended, by the job."""


class Task:
    """Does one run in a child process; submitit pickles it, and it may be started again any time."""

    def __init__(self, command: list[str], folder: Path, log: Path) -> None:
        """Take the worker's words, the run's folder and the file for its output."""
        self.command, self.folder, self.log = command, folder, log
        self._process: subprocess.Popen[bytes] | None = None

    def __call__(self) -> int:
        """Start the worker and wait for it.

        Returns:
            its exit status, negative for a signal's number
        """
        import submitit

        job = submitit.JobEnvironment().job_id
        (self.folder / EXIT_FILE).unlink(missing_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=_ignore_warning
            )
        _wait_without_reaping(self._process)
        status = self._process.wait()
        write_text(self.folder / EXIT_FILE, json.dumps({"job": job, "status": status}) + "\n")
        return status

    def checkpoint(self) -> DelayedSubmission:
        """Let the worker save its state and stop; called by submitit when the job is to be queued again.

        It interrupts `__call__`, which therefore never learns of the worker's end.
        """
        from submitit.helpers import DelayedSubmission

        if self._process is not None:
            self._process.terminate()
            _wait_without_reaping(self._process)
        return DelayedSubmission(Task(self.command, self.folder, self.log))


def exit_status(folder: Path, job: str) -> int | None:
    """Read how a job's worker ended; None if it has not."""
    told = read(folder / EXIT_FILE)
    return int(str(told["status"])) if told.get("job") == job else None


def read(file: Path) -> dict[str, object]:
    """Read a small JSON file; empty if it is not there."""
    try:
        content = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _wait_without_reaping(process: subprocess.Popen[bytes]) -> None:
    # Popen.wait holds a lock, so a signal handler that interrupts it cannot wait for the same child.
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)


def _ignore_warning() -> None:
    # Slurm sends its warning to every process of a step; Python's default is to die of it.
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
