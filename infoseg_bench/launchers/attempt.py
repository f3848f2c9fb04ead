"""One attempt at a run: its process, its limits, and its signs of life."""

from __future__ import annotations

import signal
import subprocess
import time
from dataclasses import dataclass, field
from typing import Any

from infoseg_bench.launchers.processes import kill_tree, out_of_memory_kills
from infoseg_bench.records.folder import BUSY, FAILED, INTERRUPTED, RunFolder
from infoseg_bench.records.spec import RunSpec
from infoseg_bench.utils.text import duration

TIME_LIMIT = "ended at its time limit"
"""How the reason begins."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a run may take before it fails, alone.

    Attributes:
        seconds: of one attempt; None: any
        silent_seconds: without a sign of life; None: any. Every step, every evaluated batch and every
            photo of a map gives one. Ours: an hour, beyond what a fit without steps takes
        retries: attempts after a failure that is the machine's, not the run's; chosen by this project
    """

    seconds: float | None = None
    silent_seconds: float | None = 3600.0
    retries: int = 2


@dataclass(kw_only=True)
class Attempt:
    """A worker at work.

    Attributes:
        spec: the run
        folder: its folder
        process: the worker, or the torchrun that has started several
        slot: which of the places for runs side by side it has
        tries: attempts before this one
        why: the reason for which it was ended, if it was
    """

    spec: RunSpec
    folder: RunFolder
    process: subprocess.Popen[bytes]
    slot: int
    tries: int
    why: str = ""
    _started: float = field(default_factory=time.monotonic)
    _sign: int = 0
    _heard: float = field(default_factory=time.monotonic)
    _memory_kills: int = field(default_factory=out_of_memory_kills)

    def told(self) -> dict[str, Any] | None:
        """Return what the worker has told since the last call; None: nothing."""
        try:
            sign = self.folder.status_file.stat().st_mtime_ns
        except OSError:
            return None
        if sign == self._sign:
            return None
        self._sign, self._heard = sign, time.monotonic()
        return self.folder.status()

    def check(self, limits: Limits) -> None:
        """End it if it has gone beyond its limits."""
        now = time.monotonic()
        if limits.seconds is not None and now - self._started > limits.seconds:
            self.end(f"{TIME_LIMIT} of {duration(limits.seconds)}")
        elif limits.silent_seconds is not None and now - self._heard > limits.silent_seconds:
            self.end(f"hung: no sign of life for {duration(limits.silent_seconds)}")

    def end(self, why: str = "") -> None:
        """Stop at once, all processes of it."""
        self.why = self.why or why
        kill_tree(self.process.pid)

    def ask_to_stop(self) -> None:
        """Let it finish its step and checkpoint."""
        self.process.send_signal(signal.SIGINT)

    @property
    def status(self) -> int:
        """Exit status of the worker that has ended. torchrun passes on none of its workers'."""
        if self.process.returncode == FAILED:
            if self.folder.running():
                return BUSY
            if self.folder.status().get("state") == "interrupted":
                return INTERRUPTED
        return self.process.returncode

    @property
    def cause(self) -> str:
        """Why it died, beyond its exit status; empty: nothing is known."""
        killed = self.process.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL)
        if not self.why and killed and out_of_memory_kills() > self._memory_kills:
            return "killed by the system: out of memory (fewer --jobs, or a smaller batch, need less)"
        return self.why
