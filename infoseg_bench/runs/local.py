"""The local engine: each run a process of its own, some of them side by side."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from infoseg_bench.cores import usable_cores
from infoseg_bench.runs.folder import RunFolder
from infoseg_bench.runs.spec import RunSpec
from infoseg_bench.runs.worker import BUSY, FINISHED, INTERRUPTED

POLL_SECONDS = 0.1
"""Between two looks at the workers; ours."""
LOG_LINES = 5
"""Lines of a dead worker's output that are shown; ours."""

Ending = Literal["finished", "failed", "interrupted", "busy"]


@dataclass(frozen=True)
class Outcome:
    """How one run ended; `reason` is one line, empty for a finished one."""

    spec: RunSpec
    ending: Ending
    reason: str = ""


@runtime_checkable
class Watcher(Protocol):
    """Somebody who is told what happens."""

    def started(self, spec: RunSpec) -> None:
        """A worker has started."""

    def moved(self, spec: RunSpec, status: dict[str, Any]) -> None:
        """A worker is under way; its `status.json`."""

    def ended(self, outcome: Outcome) -> None:
        """A worker has ended."""

    def stopping(self) -> None:
        """Somebody has asked to stop."""


@dataclass(kw_only=True)
class LocalEngine:
    """Runs specs on this machine.

    Attributes:
        results: folder of the run folders
        data: folder of the stores
        device: "auto" or a torch device
        jobs: runs side by side; CPU threads are divided among them
        processes: of every run that trains; more than one are started by torchrun
        compile: let torch.compile fuse networks
        plugins: files with more methods
        watcher: told of everything
    """

    results: Path
    data: Path
    device: str
    jobs: int
    plugins: Sequence[Path]
    watcher: Watcher
    processes: int = 1
    compile: bool = False
    _active: dict[str, tuple[RunSpec, subprocess.Popen[bytes]]] = field(default_factory=dict)
    _stops: int = 0

    def run(self, specs: Sequence[RunSpec]) -> list[Outcome]:
        """Do the runs; one that fails leaves the others alone.

        Ctrl-C once lets every active run checkpoint and starts no more; twice kills them.

        Returns:
            the outcome of every run that was started
        """
        waiting, outcomes = list(specs), []
        before = {
            number: signal.signal(number, self._on_signal) for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            while self._active or (waiting and not self._stops):
                while waiting and len(self._active) < self.jobs and not self._stops:
                    self._start(waiting.pop(0))
                time.sleep(POLL_SECONDS)
                outcomes += self._collect()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        return outcomes

    @property
    def stopped(self) -> bool:
        """Whether somebody has asked to stop."""
        return self._stops > 0

    def _start(self, spec: RunSpec) -> None:
        folder = RunFolder.of(self.results, spec)
        folder.create(spec)
        folder.status_file.unlink(missing_ok=True)
        words = self._command(folder, self.processes if spec.budget else 1)
        # A session of its own keeps the terminal's Ctrl-C from the worker: it is told by this process.
        with folder.log_file.open("ab") as log:
            process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._active[spec.identity] = (spec, process)
        self.watcher.started(spec)

    def _command(self, folder: RunFolder, processes: int) -> list[str]:
        threads = max(1, usable_cores() // (self.jobs * processes))
        words = [sys.executable]
        if processes > 1:
            words += ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
        words += ["-m", "infoseg_bench.runs.worker", str(folder.path), "--data", str(self.data)]
        words += ["--device", self.device, "--threads", str(threads)]
        words += ["--compile"] if self.compile else []
        return words + [word for path in self.plugins for word in ("--plugin", str(path))]

    def _collect(self) -> list[Outcome]:
        outcomes = []
        for identity, (spec, process) in list(self._active.items()):
            if process.poll() is None:
                self.watcher.moved(spec, RunFolder.of(self.results, spec).status())
                continue
            del self._active[identity]
            outcome = self._outcome(spec, process.returncode)
            self.watcher.ended(outcome)
            outcomes.append(outcome)
        return outcomes

    def _outcome(self, spec: RunSpec, status: int) -> Outcome:
        folder = RunFolder.of(self.results, spec)
        if status == FINISHED:
            return Outcome(spec, "finished")
        if status == BUSY:
            return Outcome(spec, "busy", "another process has this run")
        if status == INTERRUPTED or self._stops:
            return Outcome(spec, "interrupted", "stopped; the same command continues it")
        told = folder.status()
        if told.get("state") == "failed":
            return Outcome(spec, "failed", f"{told.get('error')} (log: {folder.log_file})")
        return Outcome(spec, "failed", f"{_death(status)}; last output: {_tail(folder.log_file)}")

    def _on_signal(self, number: int, frame: object) -> None:
        self._stops += 1
        if self._stops == 1:
            self.watcher.stopping()
        for _, process in self._active.values():
            process.send_signal(signal.SIGINT if self._stops == 1 else signal.SIGKILL)


def _death(status: int) -> str:
    if status < 0:
        return f"killed by {signal.Signals(-status).name}" + (" (out of memory?)" if status == -9 else "")
    return f"exit status {status}"


def _tail(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return " | ".join(lines[-LOG_LINES:]) or "none"
