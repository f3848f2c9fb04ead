"""The options of `run` that say where runs are done and what they may take, and the engine they name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from infoseg_bench.errors import UsageError

if TYPE_CHECKING:
    from infoseg_bench.engines.attempt import Limits
    from infoseg_bench.engines.engine import Engine, Watcher
    from infoseg_bench.engines.resources import Wishes
    from infoseg_bench.engines.work import Work
    from infoseg_bench.runs.spec import RunSpec

MINUTES = click.FloatRange(min=0, min_open=True)


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
            from infoseg_bench.engines.local import LocalEngine
            from infoseg_bench.engines.shares import shared_gpus
            from infoseg_bench.runs.device import choose_device

            gpus = shared_gpus(choose_device(work.device)) if work.processes == 1 else []
            return LocalEngine(work=work, jobs=jobs, watcher=watcher, limits=self.limits, gpus=gpus)
        from infoseg_bench.engines.resources import Wishes

        paths = [path.resolve() for path in work.plugins]
        work = replace(work, results=work.results.resolve(), data=work.data.resolve(), plugins=paths)
        words = {"slurm": self.slurm, "ray": self.ray}[self.engine]
        wishes = Wishes.parse(f"--{self.engine}", words, methods)
        make = {"slurm": self._slurm, "ray": self._ray}[self.engine]
        return make(wishes, {spec.method for spec in specs}, work, watcher)

    def _slurm(self, wishes: Wishes, methods: set[str], work: Work, watcher: Watcher) -> Engine:
        from infoseg_bench.engines.resources import SlurmShare
        from infoseg_bench.engines.slurm import SlurmEngine
        from infoseg_bench.engines.slurm_jobs import Jobs
        from infoseg_bench.engines.slurm_queue import SlurmQueue

        gpus = 0 if work.device == "cpu" else work.processes
        shares = {name: wishes.share(SlurmShare, name, gpus=gpus) for name in methods}
        jobs = Jobs(
            work=work, scheduler=SlurmQueue(work.results / "slurm"), limits=self.limits,
            share=lambda spec: shares[spec.method],
        )  # fmt: skip
        return SlurmEngine(jobs=jobs, watcher=watcher)

    def _ray(self, wishes: Wishes, methods: set[str], work: Work, watcher: Watcher) -> Engine:
        from infoseg_bench.engines.ray import RayEngine
        from infoseg_bench.engines.ray_cluster import gpus_there
        from infoseg_bench.engines.resources import RayShare

        gpus = 0 if work.device == "cpu" else gpus_there(self.ray_address, work.processes)
        shares = {
            name: wishes.share(RayShare, name, gpus=gpus, cpus=max(1, work.processes)) for name in methods
        }
        return RayEngine(
            work=work, address=self.ray_address, limits=self.limits, watcher=watcher,
            share=lambda spec: shares[spec.method],
        )  # fmt: skip


def engine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the command gets an `engine_choice`."""

    @wraps(command)
    def with_choice(
        engine: str,
        slurm: tuple[str, ...],
        ray: tuple[str, ...],
        ray_address: str | None,
        retries: int,
        time_limit: float | None,
        silence_limit: float,
        **words: Any,
    ) -> Any:
        from infoseg_bench.engines.attempt import Limits

        if (slurm and engine != "slurm") or ((ray or ray_address) and engine != "ray"):
            raise UsageError("--slurm belongs to --engine slurm, --ray and --ray-address to --engine ray")
        seconds = time_limit and 60 * time_limit
        limits = Limits(seconds=seconds, silent_seconds=60 * silence_limit, retries=retries)
        choice = EngineChoice(engine=engine, slurm=slurm, ray=ray, ray_address=ray_address, limits=limits)
        return command(engine_choice=choice, **words)

    options = [
        click.option(
            "--engine",
            type=click.Choice(["local", "slurm", "ray"]),
            default="local",
            show_default=True,
            help="Where runs are done: this machine, jobs of a Slurm cluster, or tasks of a Ray cluster.",
        ),
        click.option(
            "--slurm",
            multiple=True,
            metavar="[METHOD.]KEY=VALUE",
            help="What a Slurm job gets: gpus, cpus, mem_gb, minutes, or any option of sbatch, such as "
            "partition=long or kmeans.gpus=0.  [default: gpus=1 cpus=4 mem_gb=16 minutes=1440]",
        ),
        click.option(
            "--ray",
            multiple=True,
            metavar="[METHOD.]KEY=VALUE",
            help="What a Ray task gets: gpus, cpus, mem_gb, such as gpus=0.5.  [default: cpus=1, and gpus=1 "
            "where the cluster has any]",
        ),
        click.option("--ray-address", help="Of a Ray cluster that is there, such as auto or HOST:6379."),
        click.option(
            "--retries",
            type=click.IntRange(min=0),
            default=2,
            show_default=True,
            help="Further attempts, from the checkpoint, at a run that the machine failed: killed, lost disk "
            "or GPU.",
        ),
        click.option(
            "--time-limit",
            type=MINUTES,
            metavar="MINUTES",
            help="Fail a run that takes longer at a stretch; asked again, it goes on.  [default: none]",
        ),
        click.option(
            "--silence-limit",
            type=MINUTES,
            metavar="MINUTES",
            default=60.0,
            show_default=True,
            help="Count a run as hung that gives no sign of life for so long.",
        ),
    ]
    for option in reversed(options):
        with_choice = option(with_choice)
    return with_choice
