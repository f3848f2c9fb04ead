"""What a job or a task of a cluster does on its node: a run's worker, within its limits."""

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
"""Between two looks at the worker; chosen by this project."""
BUSY_SECONDS = 2 * STALE_SECONDS
"""To wait for the worker of a node that has died, which counts as alive for a while; chosen by this
project."""


@dataclass(frozen=True)
class Ended:
    """How a worker has ended.

    Attributes:
        status: its exit status, negative for a signal's number
        why: what is known beyond that
    """

    status: int
    why: str = ""

    @property
    def final(self) -> bool:
        """Whether its job is over too: that of an interrupted worker may be queued again."""
        return self.status not in (INTERRUPTED, -signal.SIGTERM)


class NodeRun:
    """A run on this node."""

    def __init__(self, command: Sequence[str], folder: Path, limits: Limits) -> None:
        """Take the worker's words, the run's folder, and what it may take; nothing is started."""
        self._command, self._folder, self._limits = command, RunFolder(folder), limits
        self._process: subprocess.Popen[bytes] | None = None

    def run(self) -> Ended:
        """Do it."""
        deadline = time.monotonic() + BUSY_SECONDS
        while (ended := self._attempt()).status == BUSY and time.monotonic() < deadline:
            time.sleep(1)
        return ended

    def stop(self) -> None:
        """Let the worker save its state and end; whoever interrupts `run` to call this may call no more."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            # Popen.wait holds a lock, which what was interrupted may hold already.
            os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)

    def _attempt(self) -> Ended:
        attempt = self._start()
        # Ray cancels a task by an exception that does not get through to a wait for a process.
        while attempt.process.poll() is None:
            attempt.told()
            attempt.check(self._limits)
            time.sleep(POLL_SECONDS)
        return Ended(attempt.status, attempt.cause)

    def _start(self) -> Attempt:
        # A worker saves its state and stops when its launcher, which is this process, has died.
        environment = {**os.environ, LAUNCHER: str(os.getpid())}
        with self._folder.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=environment, preexec_fn=_ignore_warning,
            )  # fmt: skip
        return Attempt(spec=self._folder.spec(), folder=self._folder, process=self._process, slot=0, tries=0)


def _ignore_warning() -> None:
    # Slurm sends its warning to every process of a step; Python's default is to die of it.
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
