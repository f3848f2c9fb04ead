"""The Ray engine: a task a run, on a cluster that is there or on one started here."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from infoseg_bench.engines import ray_task
from infoseg_bench.engines.engine import Outcome, Watcher
from infoseg_bench.engines.extras import extra
from infoseg_bench.engines.resources import RayShare
from infoseg_bench.engines.work import Work
from infoseg_bench.errors import UserError
from infoseg_bench.runs.folder import RunFolder
from infoseg_bench.runs.spec import RunSpec
from infoseg_bench.runs.worker import INTERRUPTED

POLL_SECONDS = 0.5
"""Between two looks at the tasks; ours."""
RETRIES = 10
"""How often the nodes of one run may die; ours."""


@dataclass(kw_only=True)
class RayEngine:
    """Runs specs as tasks of a Ray cluster; one whose node dies goes on elsewhere from its checkpoint.

    Attributes:
        work: how runs are done, with absolute paths that every node sees
        address: of the cluster; None: one of this machine, for as long as the runs take
        share: gives what a run gets of the cluster
        watcher: told of everything
    """

    work: Work
    address: str | None
    share: Callable[[RunSpec], RayShare]
    watcher: Watcher
    _active: dict[Any, RunSpec] = field(default_factory=dict)
    _started: set[str] = field(default_factory=set)
    _stops: int = 0
    _heard: int = 0

    def run(self, specs: Sequence[RunSpec]) -> list[Outcome]:
        """Give every run to Ray, which starts as many as there is room for."""
        ray = connect(self.address)
        outcomes: list[Outcome] = []
        before = {
            number: signal.signal(number, self._on_signal) for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            self._active = {self._submit(ray, spec): spec for spec in specs}
            while self._active:
                ended, _ = ray.wait(list(self._active), timeout=POLL_SECONDS)
                self._pass_stops_on(ray)
                outcomes += [self._end(ray, task) for task in ended]
                self._watch()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            ray.shutdown()
        return outcomes

    @property
    def stopped(self) -> bool:
        """Whether somebody has asked to stop."""
        return self._stops > 0

    def _submit(self, ray: Any, spec: RunSpec) -> Any:
        share, folder = self.share(spec), self.work.folder(spec)
        command = self.work.command(spec, threads=max(1, share.cpus // self.work.processes))
        options = {"num_cpus": share.cpus, "num_gpus": share.gpus, "max_retries": RETRIES}
        if share.mem_gb:
            options["memory"] = round(share.mem_gb * 2**30)
        return ray.remote(ray_task.work).options(**options).remote(command, folder.log_file)

    def _end(self, ray: Any, task: Any) -> Outcome:
        spec = self._active.pop(task)
        try:
            outcome = self.work.outcome(spec, ray.get(task), stopped=self.stopped)
        except ray.exceptions.RayError as error:
            outcome = self._lost(spec, error)
        self._start(spec)
        self.watcher.ended(outcome)
        return outcome

    def _lost(self, spec: RunSpec, error: Exception) -> Outcome:
        if self.stopped:
            return self.work.outcome(spec, INTERRUPTED, stopped=True)
        return Outcome(spec, "failed", f"Ray: {type(error).__name__}: {str(error).strip().splitlines()[0]}")

    def _watch(self) -> None:
        for spec in self._active.values():
            status = RunFolder.of(self.work.results, spec).status()
            if status:
                self._start(spec)
                self.watcher.moved(spec, status)

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


def gpus_there(address: str | None, wanted: int) -> int:
    """Give `wanted` if the cluster has any GPU, else 0."""
    return wanted if connect(address).cluster_resources().get("GPU") else 0


def connect(address: str | None) -> Any:
    """Connect to a cluster, or start one here; nothing if that has been done.

    Raises:
        UserError: there is none at that address
        UsageError: Ray is not installed
    """
    # A benchmark does not report to anybody who runs it.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray = extra("ray", "ray")
    if ray.is_initialized():
        return ray
    here = {} if address else {"include_dashboard": False}
    try:
        ray.init(address=address or "local", log_to_driver=False, logging_level="error", **here)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise UserError(
            f"no Ray cluster at {address or 'this machine'}: {str(error).strip().splitlines()[0]}"
        ) from None
    return ray
