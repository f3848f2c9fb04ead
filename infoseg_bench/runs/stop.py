"""Reasons for a worker to stop: Ctrl-C, SIGTERM, or the end of its launcher."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

import psutil

LAUNCHER = "INFOSEG_BENCH_LAUNCHER"
"""Environment variable with the launcher's process id, if torchrun is between it and the worker."""
PULSE_SECONDS = 1.0
"""Minimum time between two touches of the file; chosen by this project."""


class Pulse:
    """Touches a file whenever work is done, so that the launcher can detect a worker that is stuck."""

    def __init__(self, file: Path) -> None:
        """Choose the file to touch."""
        self._file, self._last = file, 0.0

    def __call__(self) -> None:
        """Touch the file, at most once per `PULSE_SECONDS`."""
        now = time.monotonic()
        if now - self._last > PULSE_SECONDS:
            self._last = now
            with suppress(OSError):
                os.utime(self._file)


class StopRequest:
    """True when the run should write a checkpoint and stop; a second Ctrl-C stops it immediately.

    Attributes:
        pulse: called whenever the truth value is tested, which is at least once per step
    """

    def __init__(self) -> None:
        """Handle SIGINT and SIGTERM."""
        self.pulse: Pulse | None = None
        self._asked = False
        self._parent = os.getppid()
        self._launcher = int(os.environ.get(LAUNCHER, "0"))
        signal.signal(signal.SIGINT, self._on_signal)
        signal.signal(signal.SIGTERM, self._on_signal)

    def __bool__(self) -> bool:
        if self.pulse is not None:
            self.pulse()
        # A killed launcher cannot signal its workers: they get another parent, or it is no longer alive.
        return self._asked or os.getppid() != self._parent or not _alive(self._launcher)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        # Schedulers send SIGTERM to all processes of a job, and repeatedly, so only Ctrl-C stops at once.
        if self._asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        self._asked = True


def _alive(process: int) -> bool:
    if not process:
        return True
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.AccessDenied:
        return True
    except psutil.NoSuchProcess:
        return False
