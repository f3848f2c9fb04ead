"""The local engine: each run a process of its own, some of them side by side."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from infoseg_bench.cores import usable_cores
from infoseg_bench.engines.engine import Outcome, Watcher
from infoseg_bench.engines.work import Work
from infoseg_bench.runs.folder import RunFolder
from infoseg_bench.runs.spec import RunSpec

POLL_SECONDS = 0.1
"""Between two looks at the workers; ours."""


@dataclass(kw_only=True)
class LocalEngine:
    """Runs specs on this machine.

    Attributes:
        work: how runs are done
        jobs: runs side by side; CPU threads are divided among them
        watcher: told of everything
    """

    work: Work
    jobs: int
    watcher: Watcher
    _active: dict[str, tuple[RunSpec, subprocess.Popen[bytes]]] = field(default_factory=dict)
    _stops: int = 0

    def run(self, specs: Sequence[RunSpec]) -> list[Outcome]:
        """Do the runs, as many side by side as there are jobs."""
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
        folder = self.work.folder(spec)
        threads = max(1, usable_cores() // (self.jobs * self.work.processes))
        # A session of its own keeps the terminal's Ctrl-C from the worker: it is told by this process.
        with folder.log_file.open("ab") as log:
            process = subprocess.Popen(
                self.work.command(spec, threads=threads),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self._active[spec.identity] = (spec, process)
        self.watcher.started(spec)

    def _collect(self) -> list[Outcome]:
        outcomes = []
        for identity, (spec, process) in list(self._active.items()):
            if process.poll() is None:
                self.watcher.moved(spec, RunFolder.of(self.work.results, spec).status())
                continue
            del self._active[identity]
            outcome = self.work.outcome(spec, process.returncode, stopped=self.stopped)
            self.watcher.ended(outcome)
            outcomes.append(outcome)
        return outcomes

    def _on_signal(self, number: int, frame: object) -> None:
        self._stops += 1
        if self._stops == 1:
            self.watcher.stopping()
        for _, process in self._active.values():
            process.send_signal(signal.SIGINT if self._stops == 1 else signal.SIGKILL)
