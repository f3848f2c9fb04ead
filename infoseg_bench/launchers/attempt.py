"""One attempt at a run: its process, its limits, and its signs of life."""

from __future__ import annotations

import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field

from infoseg_bench.launchers.fork_server import Handle
from infoseg_bench.launchers.processes import kill_tree, out_of_memory_kills
from infoseg_bench.records.folder import BUSY, FAILED, INTERRUPTED, RunFolder
from infoseg_bench.utils.text import duration

TIME_LIMIT = "ended at its time limit"
"""Beginning of the reason for the end of a run that took too long."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Time limits and number of retries of a run; the defaults were chosen by this project.

    Attributes:
        seconds: maximum duration of an attempt; None: no limit
        silent_seconds: maximum time without progress, which is a training step, an evaluated batch or a photo
            of a map; None: no limit. The default is longer than any fit without steps takes
        retries: maximum number of further attempts after failures of the machine, such as a killed process
    """

    seconds: float | None = None
    silent_seconds: float | None = 3600.0
    retries: int = 2


@dataclass(kw_only=True)
class Attempt:
    """A worker process of a run.

    Attributes:
        folder: the run's folder
        process: the worker, or the torchrun process that has started several workers
        why: the reason why the launcher has ended the worker; empty if it has not
    """

    folder: RunFolder
    process: Handle
    why: str = ""
    _started: float = field(default_factory=time.monotonic)
    _status_time: int = 0
    _last_sign: float = field(default_factory=time.monotonic)
    _memory_kills: int = field(default_factory=out_of_memory_kills)

    def check(self, limits: Limits) -> None:
        """End the worker if it has exceeded its limits."""
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
        """Kill the worker and all processes that it has started."""
        self.why = self.why or why
        kill_tree(self.process.pid)

    def ask_to_stop(self) -> None:
        """Ask the worker to finish its step, save a checkpoint and stop."""
        self.process.send_signal(signal.SIGINT)

    @property
    def status(self) -> int:
        """The exit status of the worker, which has ended; inferred if torchrun has not passed it on."""
        status = self.process.returncode
        assert status is not None
        if status == FAILED and self.folder.running():
            return BUSY
        if status == FAILED and self.folder.status().get("state") == "interrupted":
            return INTERRUPTED
        return status

    @property
    def cause(self) -> str:
        """A reason for the worker's end that its exit status does not show; empty if none is known."""
        killed = self.process.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL)
        if not self.why and killed and out_of_memory_kills() > self._memory_kills:
            return "killed by the system: out of memory (a smaller --jobs or batch size needs less)"
        return self.why
