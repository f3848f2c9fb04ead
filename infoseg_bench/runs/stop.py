"""When a worker should stop: Ctrl-C, a termination signal, or the launcher's death."""

from __future__ import annotations

import os
import signal
from types import FrameType


class StopRequest:
    """Becomes true when the run should checkpoint and stop; Ctrl-C after that stops at once."""

    def __init__(self) -> None:
        """Listen to SIGINT and SIGTERM."""
        self._asked = False
        self._launcher = os.getppid()
        signal.signal(signal.SIGINT, self._on_signal)
        signal.signal(signal.SIGTERM, self._on_signal)

    def __bool__(self) -> bool:
        # A killed launcher cannot tell its workers; their parent changes then.
        return self._asked or os.getppid() != self._launcher

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        # Schedulers repeat SIGTERM, and send it to all of a job's processes at once.
        if self._asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        self._asked = True
