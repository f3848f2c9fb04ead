"""The command of a run's worker, and the meaning of its exit status, for all engines."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infoseg_bench.launchers.attempt import TIME_LIMIT
from infoseg_bench.launchers.fork_server import WORKER
from infoseg_bench.launchers.outcome import Outcome
from infoseg_bench.records.folder import BUSY, FINISHED, INTERRUPTED, RunFolder
from infoseg_bench.records.spec import RunSpec

LOG_LINES = 5
"""Number of last lines of a dead worker's output to show; chosen by this project."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """Settings of the runs of a command that do not affect their results.

    Attributes:
        results: folder of the runs
        data: folder of the prepared data sets
        device: "auto" or a torch device
        processes: number of processes per run that is trained in steps; several are started by torchrun
        compile: whether to compile networks with torch.compile
        cuda_graph: whether to record training steps as CUDA graphs
        plugins: files with more methods
        snapshots: number of images whose predictions each run keeps at every evaluation
    """

    results: Path
    data: Path
    device: str = "auto"
    processes: int = 1
    compile: bool = False
    cuda_graph: bool = False
    plugins: Sequence[Path] = ()
    snapshots: int = 0

    def folder(self, spec: RunSpec) -> RunFolder:
        """Prepare a run's folder for its worker, and return it."""
        folder = RunFolder.of(self.results, spec)
        folder.create(spec)
        if not folder.running():
            folder.status_file.unlink(missing_ok=True)
        return folder

    def command(self, spec: RunSpec, *, threads: int, gpus: float | None = None) -> list[str]:
        """Return the argv of a run's worker.

        Args:
            spec: the run
            threads: number of CPU threads per process
            gpus: number of GPUs that the run may use; 0: none, even if the node has some; None: any number
        """
        device = "cpu" if gpus == 0 and self.device == "auto" else self.device
        processes = self.processes if spec.budget else 1
        argv = [sys.executable]
        if processes > 1:
            argv += ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
        argv += ["-m", WORKER, str(RunFolder.of(self.results, spec).path)]
        argv += ["--data", str(self.data), "--device", device, "--threads", str(threads)]
        argv += ["--compile"] if self.compile else []
        argv += ["--cuda-graph"] if self.cuda_graph else []
        argv += ["--snapshots", str(self.snapshots)] if self.snapshots else []
        return argv + [text for path in self.plugins for text in ("--plugin", str(path))]

    def outcome(self, spec: RunSpec, status: int, *, stopped: bool, why: str = "") -> Outcome:
        """Return how a run ended, from the exit status of its worker.

        Args:
            spec: the run
            status: exit status of the worker, or the negative number of the signal that killed it
            stopped: whether the user has asked to stop
            why: the reason, if the engine knows it, such as a lack of memory
        """
        folder = RunFolder.of(self.results, spec)
        if status == FINISHED:
            last = folder.status()
            figures: dict[str, Any] = {
                key: last[key] for key in ("step", "pixel_accuracy", "diagnostics") if key in last
            }
            return Outcome(spec, "finished", str(last.get("note") or ""), figures=figures)
        if status == BUSY:
            return Outcome(spec, "busy", "another process is executing this run")
        if status == INTERRUPTED or stopped:
            return Outcome(spec, "interrupted", "stopped; the same command resumes it")
        last = folder.status()
        if last.get("state") == "failed" and not why:
            reason = f"{last.get('error')} (log: {folder.log_file})"
            return Outcome(spec, "failed", reason, transient=bool(last.get("transient")))
        # torchrun does not show how its workers died; a killed one has left "running" as its state.
        died = status < 0 or last.get("state") == "running"
        reason = f"{why or _death(status)}; last output: {_tail(folder.log_file)}"
        # Another attempt would reach the time limit again.
        return Outcome(spec, "failed", reason, transient=died and not why.startswith(TIME_LIMIT))


def _death(status: int) -> str:
    if status < 0:
        return f"killed by {signal.Signals(-status).name}"
    return f"exit status {status}"


def _tail(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return " | ".join(lines[-LOG_LINES:]) or "none"
