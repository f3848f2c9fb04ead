"""One attempt at a run: its process, its limits, and its signs of life."""

from __future__ import annotations

import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field

from infoseg_bench.launchers.processes import kill_tree, out_of_memory_kills
from infoseg_bench.records.folder import BUSY, FAILED, INTERRUPTED, RunFolder
from infoseg_bench.utils.text import duration

TIME_LIMIT = "ended at its time limit"
"""Beginning of the reason of a run that took too long."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long a run may take before it fails, and how often it is tried again.

    Attributes:
        seconds: longest duration of one attempt; None: no limit
        silent_seconds: longest time without a sign of life, which every step, every evaluated batch and every
            photo of a map is; None: no limit. Chosen by this project: longer than any fit without steps takes
        retries: further attempts after a failure of the machine, such as a killed process; chosen by this
            project
    """

    seconds: float | None = None
    silent_seconds: float | None = 3600.0
    retries: int = 2


@dataclass(kw_only=True)
class Attempt:
    """A worker process of a run.

    Attributes:
        folder: of the run
        process: the worker, or the torchrun that has started several workers
        why: the reason for which this process has ended it; empty if it has not
    """

    folder: RunFolder
    process: subprocess.Popen[bytes]
    why: str = ""
    _started: float = field(default_factory=time.monotonic)
    _status_time: int = 0
    _last_sign: float = field(default_factory=time.monotonic)
    _memory_kills: int = field(default_factory=out_of_memory_kills)

    def check(self, limits: Limits) -> None:
        """Look for a sign of life, and end the worker if it has gone beyond its limits."""
        now = time.monotonic()
        with suppress(OSError):
            status_time = self.folder.status_file.stat().st_mtime_ns
            if status_time != self._status_time:
                self._status_time, self._last_sign = status_time, now
        if limits.seconds is not None and now - self._started > limits.seconds:
            self.end(f"{TIME_LIMIT} of {duration(limits.seconds)}")
        elif limits.silent_seconds is not None and now - self._last_sign > limits.silent_seconds:
            self.end(f"hung: no sign of life for {duration(limits.silent_seconds)}")

    def end(self, why: str = "") -> None:
        """Kill the worker with all that it has started."""
        self.why = self.why or why
        kill_tree(self.process.pid)

    def ask_to_stop(self) -> None:
        """Let the worker finish its step and save a checkpoint."""
        self.process.send_signal(signal.SIGINT)

    @property
    def status(self) -> int:
        """Exit status of the worker that has ended, which torchrun does not pass on."""
        if self.process.returncode == FAILED:
            if self.folder.running():
                return BUSY
            if self.folder.status().get("state") == "interrupted":
                return INTERRUPTED
        return self.process.returncode

    @property
    def cause(self) -> str:
        """Why the worker died, as far as its exit status does not say; empty if nothing is known."""
        killed = self.process.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL)
        if not self.why and killed and out_of_memory_kills() > self._memory_kills:
            return "killed by the system: out of memory (a smaller --jobs or batch size needs less)"
        return self.why
