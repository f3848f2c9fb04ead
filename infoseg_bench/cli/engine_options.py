"""The options of `run` for the engine, and for the resources and limits of runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import click

from infoseg_bench.cli.options import FiniteRange, gathered
from infoseg_bench.errors import UsageError

if TYPE_CHECKING:
    from infoseg_bench.launchers.engine_choice import Engine

MINUTES = FiniteRange(min=0, min_open=True)


def _engine(
    engine: Literal["local", "slurm", "ray"],
    slurm: tuple[str, ...],
    ray: tuple[str, ...],
    ray_address: str | None,
    retries: int,
    time_limit: float | None,
    silence_limit: float,
) -> Engine:
    from infoseg_bench.launchers.attempt import Limits
    from infoseg_bench.launchers.engine_choice import Engine

    if (slurm and engine != "slurm") or ((ray or ray_address) and engine != "ray"):
        raise UsageError("--slurm needs --engine slurm, and --ray and --ray-address need --engine ray")
    seconds = time_limit and 60 * time_limit
    limits = Limits(seconds=seconds, silent_seconds=60 * silence_limit, retries=retries)
    return Engine(name=engine, resources=slurm or ray, address=ray_address, limits=limits)


engine_options = gathered(
    "engine",
    _engine,
    click.option(
        "--engine",
        type=click.Choice(["local", "slurm", "ray"]),
        default="local",
        show_default=True,
        help="Where to run: on this machine, as jobs of a Slurm cluster, or as tasks of a Ray cluster.",
    ),
    click.option(
        "--slurm",
        multiple=True,
        metavar="[METHOD.]KEY=VALUE",
        help="Resources of a Slurm job: gpus, cpus, mem_gb, minutes, or any option of sbatch, such as "
        "partition=long or kmeans.gpus=0.  [default: gpus=1 cpus=4 mem_gb=16 minutes=1440]",
    ),
    click.option(
        "--ray",
        multiple=True,
        metavar="[METHOD.]KEY=VALUE",
        help="Resources of a Ray task: gpus, cpus, mem_gb, such as gpus=0.5.  [default: cpus=1, and gpus=1 "
        "if the cluster has any]",
    ),
    click.option("--ray-address", help="Address of a running Ray cluster, such as auto or HOST:6379."),
    click.option(
        "--retries",
        type=click.IntRange(min=0),
        default=2,
        show_default=True,
        help="Number of further attempts, from the last checkpoint, if the machine makes a run fail: killed, "
        "or its disk or GPU lost.",
    ),
    click.option(
        "--time-limit",
        type=MINUTES,
        metavar="MINUTES",
        help="Stop a run that takes longer, and count it as failed; the same command resumes it.  "
        "[default: none]",
    ),
    click.option(
        "--silence-limit",
        type=MINUTES,
        metavar="MINUTES",
        default=60.0,
        show_default=True,
        help="Stop a run that has made no progress for this time.",
    ),
)
"""Decorator that adds the options to a command, which receives an `engine`."""
