"""What every engine has in common: how a worker is called, and what its end means."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infoseg_bench.launchers.attempt import TIME_LIMIT
from infoseg_bench.launchers.engine import Outcome
from infoseg_bench.records.folder import BUSY, FINISHED, INTERRUPTED, RunFolder
from infoseg_bench.records.spec import RunSpec

LOG_LINES = 5
"""Lines of a dead worker's output that are shown; chosen by this project."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """How the runs of one command are done, whatever does them.

    Attributes:
        results: folder of the run folders
        data: folder of the stores
        device: "auto" or a torch device
        processes: of every run that trains; more than one are started by torchrun
        compile: let torch.compile fuse networks
        plugins: files with more methods
        snapshots: images whose predictions every run keeps at each evaluation
    """

    results: Path
    data: Path
    device: str = "auto"
    processes: int = 1
    compile: bool = False
    plugins: Sequence[Path] = ()
    snapshots: int = 0

    def folder(self, spec: RunSpec) -> RunFolder:
        """Make a run's folder ready for its worker."""
        folder = RunFolder.of(self.results, spec)
        folder.create(spec)
        if not folder.running():
            folder.status_file.unlink(missing_ok=True)
        return folder

    def command(self, spec: RunSpec, *, threads: int, gpus: float | None = None) -> list[str]:
        """Return the words that start the worker of a run.

        Args:
            spec: the run
            threads: on the CPU, of each process
            gpus: that it was given; 0: it keeps off those that are there
        """
        device = "cpu" if gpus == 0 and self.device == "auto" else self.device
        processes = self.processes if spec.budget else 1
        words = [sys.executable]
        if processes > 1:
            words += ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
        words += ["-m", "infoseg_bench.runs.worker", str(RunFolder.of(self.results, spec).path)]
        words += ["--data", str(self.data), "--device", device, "--threads", str(threads)]
        words += ["--compile"] if self.compile else []
        words += ["--snapshots", str(self.snapshots)] if self.snapshots else []
        return words + [word for path in self.plugins for word in ("--plugin", str(path))]

    def outcome(self, spec: RunSpec, status: int, *, stopped: bool, why: str = "") -> Outcome:
        """Describe what a worker's exit status means, negative for a signal's number.

        Args:
            spec: the run
            status: of the worker's process
            stopped: whether the runs were asked to stop
            why: what an engine knows of a death beyond its status, such as that memory ran out
        """
        folder = RunFolder.of(self.results, spec)
        if status == FINISHED:
            told = folder.status()
            figures: dict[str, Any] = {
                key: told[key] for key in ("step", "pixel_accuracy", "diagnostics") if key in told
            }
            return Outcome(spec, "finished", str(told.get("note") or ""), figures=figures)
        if status == BUSY:
            return Outcome(spec, "busy", "another process has this run")
        if status == INTERRUPTED or stopped:
            return Outcome(spec, "interrupted", "stopped; the same command continues it")
        told = folder.status()
        if told.get("state") == "failed" and not why:
            reason = f"{told.get('error')} (log: {folder.log_file})"
            return Outcome(spec, "failed", reason, transient=bool(told.get("transient")))
        # Several processes die by torchrun's status; what died without a word says it is running.
        died = status < 0 or told.get("state") == "running"
        reason = f"{why or _death(status)}; last output: {_tail(folder.log_file)}"
        # A run as long as one that has met its time limit would meet it again.
        return Outcome(spec, "failed", reason, transient=died and not why.startswith(TIME_LIMIT))


def _death(status: int) -> str:
    if status < 0:
        return f"killed by {signal.Signals(-status).name}"
    return f"exit status {status}"


def _tail(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return " | ".join(lines[-LOG_LINES:]) or "none"
