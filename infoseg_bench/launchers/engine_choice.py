"""The engine that the user has chosen, before it is started."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from infoseg_bench.launchers.attempt import Limits
from infoseg_bench.launchers.engine import BaseEngine
from infoseg_bench.launchers.local import LocalEngine
from infoseg_bench.launchers.local_slots import shared_gpus
from infoseg_bench.launchers.outcome import Watcher
from infoseg_bench.launchers.ray import RayEngine, gpus_if_any
from infoseg_bench.launchers.resources import RayResources, ResourceRequest, SlurmResources
from infoseg_bench.launchers.slurm import SlurmEngine
from infoseg_bench.launchers.slurm_queue import SlurmQueue
from infoseg_bench.launchers.work import Work
from infoseg_bench.records.spec import RunSpec
from infoseg_bench.utils.device import choose_device


@dataclass(frozen=True, kw_only=True)
class Engine:
    """Where runs are executed.

    Attributes:
        name: "local" for this machine, "slurm" for jobs of a Slurm cluster, "ray" for tasks of a Ray cluster
        resources: resources of a job or task, each "[METHOD.]KEY=VALUE"
        address: address of a running Ray cluster; None: start one on this machine
        limits: time limits and number of retries of every run
    """

    name: Literal["local", "slurm", "ray"] = "local"
    resources: Sequence[str] = ()
    address: str | None = None
    limits: Limits = field(default_factory=Limits)

    def make(
        self, specs: Sequence[RunSpec], work: Work, *, methods: Collection[str], jobs: int, watcher: Watcher
    ) -> BaseEngine[Any]:
        """Return the engine, ready to execute runs.

        Args:
            specs: the runs to execute
            work: settings of the runs that do not affect their results
            methods: names of all methods, also of those without a run, for which resources may be given
            jobs: number of runs at a time, for the local engine
            watcher: receives all events

        Raises:
            UsageError: the engine's extra is not installed, or a resource is invalid
        """
        if self.name == "local":
            return self._local(work, jobs, watcher)
        paths = [path.resolve() for path in work.plugins]
        work = replace(work, results=work.results.resolve(), data=work.data.resolve(), plugins=paths)
        request = ResourceRequest.parse(f"--{self.name}", self.resources, methods)
        make = self._slurm if self.name == "slurm" else self._ray
        return make(request, {spec.method for spec in specs}, work, watcher)

    def _local(self, work: Work, jobs: int, watcher: Watcher) -> BaseEngine[Any]:
        device, alone = choose_device(work.device), work.processes == 1
        # CUDA does not survive a fork, nor do system libraries of macOS.
        fork = alone and device.type == "cpu" and sys.platform == "linux"
        gpus = shared_gpus(device) if alone else []
        return LocalEngine(work=work, watcher=watcher, limits=self.limits, jobs=jobs, gpus=gpus, fork=fork)

    def _slurm(
        self, request: ResourceRequest, methods: set[str], work: Work, watcher: Watcher
    ) -> BaseEngine[Any]:
        gpus = 0 if work.device == "cpu" else work.processes
        of_method = {name: request.of_method(SlurmResources, name, gpus=gpus) for name in methods}
        return SlurmEngine(
            work=work, watcher=watcher, limits=self.limits, scheduler=SlurmQueue(work.results / "slurm"),
            resources=lambda spec: of_method[spec.method],
        )  # fmt: skip

    def _ray(
        self, request: ResourceRequest, methods: set[str], work: Work, watcher: Watcher
    ) -> BaseEngine[Any]:
        gpus = 0 if work.device == "cpu" else gpus_if_any(self.address, work.processes)
        cpus = max(1, work.processes)
        of_method = {name: request.of_method(RayResources, name, gpus=gpus, cpus=cpus) for name in methods}
        return RayEngine(
            work=work, watcher=watcher, limits=self.limits, address=self.address,
            resources=lambda spec: of_method[spec.method],
        )  # fmt: skip
