"""`infoseg-bench run`: plan runs, show the plan, execute the missing runs and report them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from infoseg_bench.cli.completion import DATASETS, METHODS, PRESETS, SUITES
from infoseg_bench.cli.engine_options import engine_options
from infoseg_bench.cli.options import (
    JOBS,
    POSTPROCESS,
    SEEDS,
    data_option,
    device_option,
    gathered,
    log_options,
    plugin_option,
    results_option,
    set_option,
)
from infoseg_bench.cli.run_steps import conclude, offer_demo, show_plan
from infoseg_bench.planning.selection import Selection

if TYPE_CHECKING:
    from infoseg_bench.launchers.engine_choice import Engine


selection_options = gathered(
    "selection",
    Selection,
    click.option(
        "--all",
        "everything",
        is_flag=True,
        help="Run every method on every prepared data set, or everything in a suite.",
    ),
    click.option(
        "--suite",
        shell_complete=SUITES,
        help="A shipped suite (ablation, ablation-laptop, demo, laptop, paper, paper-published) or the path "
        "of a suite's TOML file.",
    ),
    click.option(
        "--dataset",
        "datasets",
        multiple=True,
        shell_complete=DATASETS,
        help="A prepared data set; may be given several times.",
    ),
    click.option(
        "--method",
        "methods",
        multiple=True,
        shell_complete=METHODS,
        help="A method; may be given several times.",
    ),
    click.option("--seeds", type=SEEDS, help="Seeds, such as 0-4 or 0,3,7-9.  [default: 0, or the suite's]"),
    click.option(
        "--steps",
        type=click.IntRange(min=1),
        help="Training steps, for methods that train in steps.  [default: the suite's, the method's own, or "
        "10000]",
    ),
    click.option(
        "--evaluate-every",
        type=click.IntRange(min=1),
        help="Steps between two evaluations.  [default: as for --steps; with --steps, a twentieth of it]",
    ),
    set_option(
        "Set a method's parameter, such as infoseg.lr=1e-4; `infoseg-bench list --method NAME` shows them."
    ),
    click.option(
        "--preset",
        shell_complete=PRESETS,
        metavar="NAME",
        help='Use the parameters and training length of a shipped suite on any data set; "small" suits a '
        "laptop's CPU.",
    ),
    click.option(
        "--protocol",
        help="Label protocol: corrected, or published, which reads labels as the released code did.  "
        "[default: corrected, or the suite's]",
    ),
    click.option(
        "--postprocess",
        type=POSTPROCESS,
        help="Post-processing of the scores of clusters before an evaluation. mirror: average them over an "
        "image and its mirror image; leaderboards show it.  [default: none, or the suite's]",
    ),
)


@click.command()
@selection_options
@data_option
@results_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the report.  [default: report below the results]",
)
@click.option(
    "--report/--no-report",
    default=True,
    show_default=True,
    help="Write a report at the end; without it, `infoseg-bench report` makes one later.",
)
@device_option
@click.option(
    "--jobs",
    type=JOBS,
    default="auto",
    show_default=True,
    help="Number of runs at a time, among which the CPU's threads are divided. auto: one per GPU, or without "
    "GPUs one per core as far as memory allows.",
)
@click.option(
    "--gpus-per-run",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Number of GPUs, or of processes on the CPU, that train one run together, each on a part of every "
    "batch.",
)
@click.option(
    "--compile",
    is_flag=True,
    help="Use torch.compile for the networks; `infoseg-bench speed --compile` shows whether this is faster.",
)
@click.option(
    "--cuda-graph",
    is_flag=True,
    help="Record training steps as CUDA graphs if possible; if not, the log gives the reason.",
)
@click.option("--force", is_flag=True, help="Repeat finished runs from the beginning.")
@click.option(
    "--dry-run",
    is_flag=True,
    help="Show the plan and its estimated cost, then stop. Nothing is written, and the papers' data sets "
    "need not be prepared.",
)
@click.option(
    "--snapshots",
    type=click.IntRange(min=1),
    metavar="N",
    help="Keep the predictions of N images at every evaluation, in the run's folder, as snapshots.npz and "
    "snapshots.gif, which reports show.",
)
@log_options
@engine_options
@plugin_option
def run(
    selection: Selection,
    data: Path,
    results: Path,
    out: Path | None,
    report: bool,
    device: str,
    jobs: int | None,
    gpus_per_run: int,
    compile: bool,
    cuda_graph: bool,
    force: bool,
    dry_run: bool,
    snapshots: int | None,
    logs: tuple[str, ...],
    engine: Engine,
    plugins: tuple[Path, ...],
) -> None:
    """Run methods on data sets, and report their scores.

    If the command is repeated, finished runs are skipped and interrupted ones resumed. Press Ctrl-C once to
    let active runs save their state, twice to stop them at once. The same command may be started several
    times, also on several machines that share the folders: each run is executed only once.

    \b
    infoseg-bench run --all --suite demo
    infoseg-bench run --dataset my-photos --method kmeans --method infoseg --seeds 0-2
    """  # noqa: D301 - click reads the escape
    from infoseg_bench.api.running import do_runs, plan_runs, with_report
    from infoseg_bench.launchers.watch import watcher
    from infoseg_bench.launchers.work import Work
    from infoseg_bench.utils.progress import show_progress

    work = Work(
        results=results, data=data, device=device, processes=gpus_per_run, compile=compile, plugins=plugins,
        cuda_graph=cuda_graph, snapshots=snapshots or 0,
    )  # fmt: skip
    planned = plan_runs(
        offer_demo(selection, data, plugins), work, engine, jobs=jobs, force=force,
        progress=None if dry_run else show_progress, log=lambda line: click.echo(line, err=True),
    )  # fmt: skip
    show_plan(planned)
    if not dry_run:
        done = do_runs(planned, logs=logs, watcher=watcher)
        conclude(with_report(done, out or results / "report") if report else done)
