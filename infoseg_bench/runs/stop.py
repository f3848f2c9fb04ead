"""When a worker should stop: Ctrl-C, a termination signal, or the launcher's death."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

import psutil

LAUNCHER = "INFOSEG_BENCH_LAUNCHER"
"""Environment variable: process number of the launcher, where it is not the worker's parent (torchrun)."""
PULSE_SECONDS = 1.0
"""Between two signs of life; chosen by this project."""


class Pulse:
    """Touches a file whenever the work gets on, so that a launcher can tell slow from stuck."""

    def __init__(self, file: Path) -> None:
        """Take the file."""
        self._file, self._last = file, 0.0

    def __call__(self) -> None:
        """Return a sign of life, unless the last one is recent."""
        now = time.monotonic()
        if now - self._last > PULSE_SECONDS:
            self._last = now
            with suppress(OSError):
                os.utime(self._file)


class StopRequest:
    """Becomes true when the run should checkpoint and stop; Ctrl-C after that stops at once.

    Attributes:
        pulse: called at every question whether to stop, that is, between any two steps of the work
    """

    def __init__(self) -> None:
        """Listen to SIGINT and SIGTERM."""
        self.pulse: Pulse | None = None
        self._asked = False
        self._parent = os.getppid()
        self._launcher = int(os.environ.get(LAUNCHER, "0"))
        signal.signal(signal.SIGINT, self._on_signal)
        signal.signal(signal.SIGTERM, self._on_signal)

    def __bool__(self) -> bool:
        if self.pulse is not None:
            self.pulse()
        # A killed launcher cannot tell its workers; their parent changes then, or the parent's is gone.
        return self._asked or os.getppid() != self._parent or not _alive(self._launcher)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        # Schedulers repeat SIGTERM, and send it to all of a job's processes at once.
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
