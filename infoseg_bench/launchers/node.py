"""The code of Slurm jobs and Ray tasks on a node: start a run's worker and enforce the run's limits."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from infoseg_bench.launchers.attempt import Attempt, Limits
from infoseg_bench.records.folder import BUSY, INTERRUPTED, RunFolder
from infoseg_bench.records.heartbeat import STALE_SECONDS
from infoseg_bench.runs.stop import LAUNCHER

POLL_SECONDS = 0.1
"""Time between two checks of the worker; chosen by this project."""
BUSY_SECONDS = 2 * STALE_SECONDS
"""Maximum time to wait for an earlier worker of the run, which still counts as alive for some time after its
node has died; chosen by this project."""


@dataclass(frozen=True)
class Ended:
    """How a worker ended.

    Attributes:
        status: its exit status, or the negative number of the signal that killed it
        why: the reason; empty if unknown
    """

    status: int
    why: str = ""

    @property
    def final(self) -> bool:
        """Whether its job has ended too; the job of an interrupted worker may be queued again."""
        return self.status not in (INTERRUPTED, -signal.SIGTERM)


class NodeRun:
    """The worker of one run on this node."""

    def __init__(self, command: Sequence[str], folder: Path, limits: Limits) -> None:
        """Create it without starting the worker.

        Args:
            command: argv of the worker
            folder: the run's folder
            limits: the run's limits
        """
        self._command, self._folder, self._limits = command, RunFolder(folder), limits
        self._process: subprocess.Popen[bytes] | None = None

    def run(self) -> Ended:
        """Execute the run, after waiting for the end of an earlier worker."""
        deadline = time.monotonic() + BUSY_SECONDS
        while (ended := self._attempt()).status == BUSY and time.monotonic() < deadline:
            time.sleep(1)
        return ended

    def stop(self) -> None:
        """Ask the worker to save its state and stop, and wait for its end.

        May be called from code that has interrupted `run`, such as a signal handler; `run` must not continue.
        """
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            # Popen.wait takes a lock that the interrupted `run` may hold.
            os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)

    def _attempt(self) -> Ended:
        attempt = self._start()
        # Popen.wait would not be interrupted by the exception with which Ray cancels a task.
        while attempt.process.poll() is None:
            attempt.check(self._limits)
            time.sleep(POLL_SECONDS)
        return Ended(attempt.status, attempt.cause)

    def _start(self) -> Attempt:
        # A worker saves its state and stops if its launcher, which is this process, dies.
        environment = {**os.environ, LAUNCHER: str(os.getpid())}
        with self._folder.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=environment, preexec_fn=_ignore_warning,
            )  # fmt: skip
        return Attempt(folder=self._folder, process=self._process)


def run_until_cancelled(command: Sequence[str], folder: Path, limits: Limits) -> Ended:
    """Execute a run as a Ray task. Ray cancels it by KeyboardInterrupt; the worker then saves its state."""
    # If Ray was started in the background of a script, its tasks inherit that SIGINT is ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    run = NodeRun(command, folder, limits)
    try:
        return run.run()
    except KeyboardInterrupt:
        run.stop()
        return Ended(INTERRUPTED)


def _ignore_warning() -> None:
    # Slurm sends its warning, SIGUSR2, to all processes of a step; by default it would end the worker.
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
