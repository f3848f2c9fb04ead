"""`infoseg-bench run`: plan, show the plan, do what is missing, report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from infoseg_bench.cli.engine_choice import engine_options
from infoseg_bench.cli.options import (
    JOBS,
    data_option,
    device_option,
    log_options,
    plugin_option,
    results_option,
)
from infoseg_bench.cli.planning import show_cost, show_plan
from infoseg_bench.cli.running import conclude, execute
from infoseg_bench.launchers.choice import EngineChoice
from infoseg_bench.planning.data import largest_store, suite_and_data
from infoseg_bench.planning.selection import Selection


@click.command()
@click.option(
    "--all", "everything", is_flag=True, help="Every prepared data set and every method, or all of a suite."
)
@click.option(
    "--suite",
    help="A shipped suite (ablation, ablation-laptop, demo, laptop, paper, paper-published) or the path of a "
    "suite's TOML file.",
)
@click.option("--dataset", "datasets", multiple=True, help="A prepared data set; may be given several times.")
@click.option("--method", "methods", multiple=True, help="A method; may be given several times.")
@click.option("--seeds", help="Seeds, such as 0-4 or 0,3,7-9.  [default: 0, or the suite's]")
@click.option(
    "--steps",
    type=click.IntRange(min=1),
    help="Training steps of methods that train.  [default: 10000, or the suite's]",
)
@click.option(
    "--evaluate-every",
    type=click.IntRange(min=1),
    help="Steps between two points of the PA curve.  [default: a twentieth of the steps]",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="METHOD.PARAMETER=VALUE",
    help="Set a method's parameter, such as infoseg.lr=1e-4; `infoseg-bench list --method NAME` shows them.",
)
@click.option("--protocol", help='Label protocol of the data sets.  [default: "corrected", or the suite\'s]')
@data_option
@results_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the report.  [default: report below the results]",
)
@device_option
@click.option(
    "--jobs",
    type=JOBS,
    default="auto",
    show_default=True,
    help="Runs side by side, sharing the CPU's threads. auto: one for every GPU, or without GPUs one for "
    "every core while memory suffices.",
)
@click.option(
    "--gpus-per-run",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="GPUs, or processes on the CPU, that train one run together, each on its share of every batch.",
)
@click.option(
    "--compile",
    is_flag=True,
    help="Let torch.compile fuse networks; `infoseg-bench speed --compile` tells whether it pays here.",
)
@click.option("--force", is_flag=True, help="Repeat finished runs.")
@click.option("--dry-run", is_flag=True, help="Show the plan and stop.")
@log_options
@engine_options
@plugin_option
def run(
    data: Path,
    results: Path,
    out: Path | None,
    device: str,
    jobs: int | None,
    gpus_per_run: int,
    compile: bool,
    force: bool,
    dry_run: bool,
    logs: tuple[str, ...],
    engine_choice: EngineChoice,
    plugins: tuple[Path, ...],
    **words: Any,
) -> None:
    """Run methods on data sets, and report their scores.

    Asked again, it leaves finished runs alone and continues interrupted ones. Ctrl-C once lets the
    active runs save their state, twice stops them at once. The same command may be given several times,
    on several machines that share the folders: every run is done once, and all wait for its end.
    """
    from infoseg_bench.contracts.registry import load_methods
    from infoseg_bench.launchers.shares import automatic_jobs
    from infoseg_bench.launchers.work import Work
    from infoseg_bench.planning.plan import plan
    from infoseg_bench.utils.device import check_devices, choose_device

    local = engine_choice.engine == "local"
    if local:
        check_devices(choose_device(device), gpus_per_run=gpus_per_run, jobs=jobs or 1)
    registry = load_methods(plugins)
    for name, reason in registry.broken.items():
        click.echo(f"left out: {name} cannot be loaded: {reason}", err=True)
    selection = Selection(**words)
    suite, datasets = suite_and_data(selection, registry, data, plugins)
    specs = plan(suite, datasets, registry)
    todo = show_plan(specs, results, registry, force=force and not dry_run)
    if local and jobs is None:
        jobs = automatic_jobs(
            choose_device(device),
            runs=len(todo), gpus_per_run=gpus_per_run, store_bytes=largest_store(specs, datasets),
        )  # fmt: skip
    show_cost(todo, jobs if local else None)
    if dry_run:
        return
    work = Work(
        results=results, data=data, device=device, processes=gpus_per_run, compile=compile, plugins=plugins
    )
    outcomes = execute(
        [run.spec for run in todo], work, engine_choice,
        methods=registry.methods, jobs=jobs or 1, logs=logs,
    )  # fmt: skip
    conclude(specs, outcomes, work, out=out or results / "report")
