"""The Ray engine: a task a run, on a cluster that is there or on one started here."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from infoseg_bench.launchers import ray_task
from infoseg_bench.launchers.attempt import Limits
from infoseg_bench.launchers.engine import Outcome, Watcher
from infoseg_bench.launchers.queue import Queue, Waiting
from infoseg_bench.launchers.ray_cluster import connect
from infoseg_bench.launchers.resources import RayShare
from infoseg_bench.launchers.work import Work
from infoseg_bench.records.folder import INTERRUPTED, RunFolder
from infoseg_bench.records.spec import RunSpec

POLL_SECONDS = 0.5
"""Between two looks at the tasks; chosen by this project."""
NODE_DEATHS = 10
"""How often the nodes of one run may die; chosen by this project."""


@dataclass(kw_only=True)
class RayEngine:
    """Runs specs as tasks of a Ray cluster; one whose node dies goes on elsewhere from its checkpoint.

    Attributes:
        work: how runs are done, with absolute paths that every node sees
        address: of the cluster; None: one of this machine, for as long as the runs take
        share: gives what a run gets of the cluster
        watcher: told of everything
        limits: of every run
    """

    work: Work
    address: str | None
    share: Callable[[RunSpec], RayShare]
    watcher: Watcher
    limits: Limits = field(default_factory=Limits)
    _active: dict[Any, Waiting] = field(default_factory=dict)
    _started: set[str] = field(default_factory=set)
    _stops: int = 0
    _heard: int = 0

    def run(self, specs: Sequence[RunSpec]) -> list[Outcome]:
        """Return every run to Ray, which starts as many as there is room for."""
        ray = connect(self.address)
        queue = Queue(self.work, specs, watcher=self.watcher, retries=self.limits.retries)
        outcomes = list[Outcome]()
        before = {
            number: signal.signal(number, self._on_signal) for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            while self._active or (queue and not self._stops):
                outcomes += self._fill(ray, queue)
                outcomes += self._collect(ray, queue)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            ray.shutdown()
        return outcomes

    @property
    def stopped(self) -> bool:
        """Whether somebody has asked to stop."""
        return self._stops > 0

    def _fill(self, ray: Any, queue: Queue) -> list[Outcome]:
        outcomes = []
        while not self._stops and (item := queue.next()) is not None:
            if isinstance(item, Waiting):
                self._active[self._submit(ray, item.spec)] = item
            else:
                self.watcher.ended(item)
                outcomes.append(item)
        return outcomes

    def _submit(self, ray: Any, spec: RunSpec) -> Any:
        share, folder = self.share(spec), self.work.folder(spec)
        command = self.work.command(
            spec, threads=max(1, share.cpus // self.work.processes), gpus=float(share.gpus)
        )
        options = {"num_cpus": share.cpus, "num_gpus": share.gpus, "max_retries": NODE_DEATHS}
        if share.mem_gb:
            options["memory"] = round(share.mem_gb * 2**30)
        return ray.remote(ray_task.work).options(**options).remote(command, folder.path, self.limits)

    def _collect(self, ray: Any, queue: Queue) -> list[Outcome]:
        if not self._active:
            # All that is left is another launcher's.
            time.sleep(POLL_SECONDS)
            return []
        ended, _ = ray.wait(list(self._active), timeout=POLL_SECONDS)
        self._pass_stops_on(ray)
        outcomes = [self._end(ray, task, queue) for task in ended]
        self._watch()
        return [outcome for outcome in outcomes if outcome is not None]

    def _end(self, ray: Any, task: Any, queue: Queue) -> Outcome | None:
        waiting = self._active.pop(task)
        self._start(waiting.spec)
        self._started.remove(waiting.spec.identity)
        try:
            ended = ray.get(task)
            outcome = self.work.outcome(waiting.spec, ended.status, stopped=self.stopped, why=ended.why)
        except ray.exceptions.RayError as error:
            outcome = self._lost(waiting.spec, error)
        return queue.settle(waiting, outcome, stopped=self.stopped)

    def _lost(self, spec: RunSpec, error: Exception) -> Outcome:
        if self.stopped:
            return self.work.outcome(spec, INTERRUPTED, stopped=True)
        return Outcome(spec, "failed", f"Ray: {type(error).__name__}: {str(error).strip().splitlines()[0]}")

    def _watch(self) -> None:
        for waiting in self._active.values():
            status = RunFolder.of(self.work.results, waiting.spec).status()
            if status:
                self._start(waiting.spec)
                self.watcher.moved(waiting.spec, status)

    def _start(self, spec: RunSpec) -> None:
        if spec.identity not in self._started:
            self._started.add(spec.identity)
            self.watcher.started(spec)

    def _pass_stops_on(self, ray: Any) -> None:
        if self._stops == self._heard:
            return
        if not self._heard:
            self.watcher.stopping()
        self._heard = self._stops
        for task in self._active:
            ray.cancel(task, force=self._stops > 1)

    def _on_signal(self, number: int, frame: object) -> None:
        self._stops += 1
