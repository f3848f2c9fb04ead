"""The local engine: each run is a separate process on this machine, with several at a time."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from infoseg_bench.launchers.attempt import Attempt
from infoseg_bench.launchers.engine import ActiveRun, BaseEngine
from infoseg_bench.launchers.fork_server import WORKER, Handle, fork_server
from infoseg_bench.launchers.outcome import Outcome
from infoseg_bench.launchers.queue import Queue, Waiting
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.records.heartbeat import claim
from infoseg_bench.records.spec import RunSpec
from infoseg_bench.runs.stop import LAUNCHER
from infoseg_bench.utils.cores import usable_cores

OF_TRAINING, OF_CLUSTERING = "torch._dynamo", "sklearn.cluster"
"""Modules that take seconds to import, and that methods with and without training steps need."""


@dataclass(kw_only=True, eq=False)
class LocalRun(ActiveRun):
    """A run whose worker is a process of this machine.

    Attributes:
        attempt: the worker
        slot: number of the run among the simultaneous ones, which determines its GPU
    """

    attempt: Attempt
    slot: int


@dataclass(kw_only=True)
class LocalEngine(BaseEngine[LocalRun]):
    """Executes runs on this machine.

    Attributes:
        jobs: number of runs at a time, among which CPU threads are divided
        gpus: GPUs as in `CUDA_VISIBLE_DEVICES`, which are divided among runs; empty: every run sees all
        fork: whether workers are forked from a process that has imported PyTorch, which saves seconds per run
    """

    jobs: int
    gpus: Sequence[str] = ()
    fork: bool = False

    poll_seconds: ClassVar[float] = 0.1

    def free_slots(self) -> int:
        """Return how many more runs may be started."""
        return self.jobs - len(self.active)

    def start(self, runs: Sequence[Waiting], queue: Queue) -> None:
        """Start a worker for each run."""
        for run in runs:
            folder = self.work.folder(run.spec)
            if not claim(folder.claim_file):
                queue.leave(run)
                continue
            slot = min(set(range(self.jobs)) - {other.slot for other in self.active})
            attempt = Attempt(folder=folder, process=self._spawn(run.spec, folder, slot))
            self.active.append(LocalRun(waiting=run, attempt=attempt, slot=slot))
            self.begin(self.active[-1])

    def poll(self, run: LocalRun) -> Outcome | None:
        """Return how a run has ended; a run that has exceeded its limits is ended."""
        attempt = run.attempt
        if attempt.process.poll() is None:
            attempt.check(self.limits)
            return None
        attempt.folder.claim_file.unlink(missing_ok=True)
        return self.work.outcome(run.spec, attempt.status, stopped=self.stopped, why=attempt.cause)

    def stop(self, *, now: bool) -> None:
        """Pass Ctrl-C on to the workers, or kill them."""
        for run in self.active:
            if now:
                run.attempt.end()
            else:
                run.attempt.ask_to_stop()

    def _spawn(self, spec: RunSpec, folder: RunFolder, slot: int) -> Handle:
        threads = max(1, usable_cores() // (self.jobs * self.work.processes))
        environment = {**os.environ, LAUNCHER: str(os.getpid())}
        if self.gpus:
            environment["CUDA_VISIBLE_DEVICES"] = self.gpus[slot % len(self.gpus)]
        command = self.work.command(spec, threads=threads)
        if self.fork:
            arguments = command[command.index(WORKER) + 1 :]
            modules = [OF_TRAINING if spec.budget else OF_CLUSTERING]
            worker = fork_server().fork(
                arguments, environment=environment, log=folder.log_file, modules=modules
            )
            if worker:
                return worker
        # In a new session the worker does not receive the terminal's Ctrl-C; this process passes it on.
        with folder.log_file.open("ab") as log:
            return subprocess.Popen(
                command, env=environment, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
