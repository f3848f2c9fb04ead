"""The engine that the user chose, made from its options."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infoseg_bench.launchers.attempt import Limits
    from infoseg_bench.launchers.engine import Engine, Watcher
    from infoseg_bench.launchers.resources import ResourceRequest
    from infoseg_bench.launchers.work import Work
    from infoseg_bench.records.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class EngineChoice:
    """Where the runs of one command are done.

    Attributes:
        engine: "local", "slurm" or "ray"
        slurm: words for Slurm, `[METHOD.]KEY=VALUE`
        ray: words for Ray, `[METHOD.]KEY=VALUE`
        ray_address: of a Ray cluster that is there; None: one is started here
        limits: of every run
    """

    engine: str
    slurm: tuple[str, ...]
    ray: tuple[str, ...]
    ray_address: str | None
    limits: Limits

    def make(
        self, specs: Sequence[RunSpec], work: Work, *, methods: Collection[str], jobs: int, watcher: Watcher
    ) -> Engine:
        """Make the engine.

        Args:
            specs: the runs that it will be given
            work: how they are done
            methods: all that are known: words may be about one whose runs are finished
            jobs: side by side, for the local engine
            watcher: told of everything

        Raises:
            UsageError: its extra is not installed, or its options are wrong
        """
        if self.engine == "local":
            from infoseg_bench.launchers.local import LocalEngine
            from infoseg_bench.launchers.shares import shared_gpus
            from infoseg_bench.utils.device import choose_device

            gpus = shared_gpus(choose_device(work.device)) if work.processes == 1 else []
            return LocalEngine(work=work, jobs=jobs, watcher=watcher, limits=self.limits, gpus=gpus)
        from infoseg_bench.launchers.resources import ResourceRequest

        paths = [path.resolve() for path in work.plugins]
        work = replace(work, results=work.results.resolve(), data=work.data.resolve(), plugins=paths)
        words = {"slurm": self.slurm, "ray": self.ray}[self.engine]
        request = ResourceRequest.parse(f"--{self.engine}", words, methods)
        make = {"slurm": self._slurm, "ray": self._ray}[self.engine]
        return make(request, {spec.method for spec in specs}, work, watcher)

    def _slurm(self, request: ResourceRequest, methods: set[str], work: Work, watcher: Watcher) -> Engine:
        from infoseg_bench.launchers.resources import SlurmShare
        from infoseg_bench.launchers.slurm import SlurmEngine
        from infoseg_bench.launchers.slurm_jobs import Jobs
        from infoseg_bench.launchers.slurm_queue import SlurmQueue

        gpus = 0 if work.device == "cpu" else work.processes
        shares = {name: request.share(SlurmShare, name, gpus=gpus) for name in methods}
        jobs = Jobs(
            work=work, scheduler=SlurmQueue(work.results / "slurm"), limits=self.limits,
            share=lambda spec: shares[spec.method],
        )  # fmt: skip
        return SlurmEngine(jobs=jobs, watcher=watcher)

    def _ray(self, request: ResourceRequest, methods: set[str], work: Work, watcher: Watcher) -> Engine:
        from infoseg_bench.launchers.ray import RayEngine
        from infoseg_bench.launchers.ray_cluster import gpus_there
        from infoseg_bench.launchers.resources import RayShare

        gpus = 0 if work.device == "cpu" else gpus_there(self.ray_address, work.processes)
        shares = {
            name: request.share(RayShare, name, gpus=gpus, cpus=max(1, work.processes)) for name in methods
        }
        return RayEngine(
            work=work, address=self.ray_address, limits=self.limits, watcher=watcher,
            share=lambda spec: shares[spec.method],
        )  # fmt: skip
