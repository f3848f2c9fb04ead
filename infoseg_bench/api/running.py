"""Planning, execution and reporting of runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from infoseg_bench.contracts.method_source import source_hash
from infoseg_bench.contracts.registry import Registry, load_methods, load_recipes
from infoseg_bench.data.catalogue import prepared_datasets
from infoseg_bench.errors import UserError
from infoseg_bench.launchers.engine_choice import Engine
from infoseg_bench.launchers.local_slots import automatic_jobs
from infoseg_bench.launchers.outcome import Outcome, Watcher
from infoseg_bench.launchers.watch import SilentWatcher
from infoseg_bench.launchers.watch_logs import LogWatcher
from infoseg_bench.launchers.work import Work
from infoseg_bench.loggers.named import curve_followers
from infoseg_bench.planning.data import SuiteData, outdated, suite_and_data
from infoseg_bench.planning.plan import plan
from infoseg_bench.planning.planned import PlannedRun, look
from infoseg_bench.planning.selection import Selection
from infoseg_bench.profiling.trial import with_timed_costs
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.records.provenance import device_model
from infoseg_bench.records.results_table import load_results
from infoseg_bench.records.spec import RunSpec
from infoseg_bench.reporting.write import Report, write_report
from infoseg_bench.utils.arguments import names, paths, whole
from infoseg_bench.utils.cores import usable_cores
from infoseg_bench.utils.device import check_devices, choose_device
from infoseg_bench.utils.progress import ProgressFactory, no_progress

if TYPE_CHECKING:
    import pandas as pd

PathLikes = str | PathLike[str]


class ShownWatcher(Watcher, Protocol):
    """A watcher that shows the progress of runs while its context is open."""

    def context(self) -> AbstractContextManager[Any]:
        """Start showing progress."""


WatcherFactory = Callable[[Sequence[RunSpec]], ShownWatcher]
Log = Callable[[str], None]


class RunsInterrupted(UserError):
    """The user has stopped the runs."""

    exit_status = 130


@dataclass(frozen=True, kw_only=True)
class RunPlan:
    """The requested runs and their state when the plan was made.

    Attributes:
        runs: all runs, with their states and estimated costs
        data: the suite and its data sets
        work: settings of the runs that do not affect their results
        engine: where the runs are executed
        jobs: number of runs at a time on this machine
        registry: the methods
    """

    runs: tuple[PlannedRun, ...]
    data: SuiteData
    work: Work
    engine: Engine
    jobs: int
    registry: Registry

    @property
    def specs(self) -> list[RunSpec]:
        """Specifications of the runs."""
        return [run.spec for run in self.runs]

    @property
    def local(self) -> bool:
        """Whether the runs are executed on this machine."""
        return self.engine.name == "local"


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """The result of the requested runs.

    Attributes:
        plan: the runs and their state at the beginning
        outcomes: how the runs ended that were started or could not be started
        report: the report; None if none was written
    """

    plan: RunPlan
    outcomes: tuple[Outcome, ...] = ()
    report: Report | None = None

    @property
    def failed(self) -> list[Outcome]:
        """The runs that did not finish."""
        return [outcome for outcome in self.outcomes if outcome.ending != "finished"]

    def table(self) -> pd.DataFrame:
        """Return the requested runs that are finished as a table, like `load_results`."""
        table = load_results(self.plan.work.results)
        return table[table.identity.isin([spec.identity for spec in self.plan.specs])]


def run(
    *,
    suite: PathLikes | None = None,
    datasets: Sequence[str] = (),
    methods: Sequence[str] = (),
    everything: bool = False,
    seeds: Iterable[int] | None = None,
    steps: int | None = None,
    evaluate_every: int | None = None,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    protocol: str | None = None,
    postprocess: str | None = None,
    preset: str | None = None,
    data: PathLikes = "data",
    results: PathLikes = "results",
    out: PathLikes | None = None,
    device: str = "auto",
    jobs: int | None = None,
    gpus_per_run: int = 1,
    compile: bool = False,
    cuda_graph: bool = False,
    force: bool = False,
    dry_run: bool = False,
    snapshots: int = 0,
    engine: Engine | None = None,
    logs: Sequence[str] = (),
    plugins: Sequence[PathLikes] = (),
    progress: ProgressFactory = no_progress,
    watcher: WatcherFactory = SilentWatcher,
    log: Log = lambda line: None,
) -> RunResult:
    """Run methods on data sets. Finished runs are skipped, and interrupted ones are resumed.

    Runs are selected by a suite, by data sets and methods, or by `everything`; the other arguments narrow or
    override a suite. A failed run does not stop the others: see `failed` of the result.

    Args:
        suite: a shipped suite, or the path of a suite's TOML file
        datasets: names of prepared data sets
        methods: names of methods
        everything: whether to run every method on every prepared data set
        seeds: seeds, such as range(5); None: the suite's, or 0
        steps: training steps of methods that train in steps; None: the suite's, the method's own, or 10000
        evaluate_every: steps between two evaluations; None: a twentieth of the steps
        parameters: parameters that should differ from the defaults, by method and name
        protocol: label protocol of the data sets; None: the suite's, or "corrected"
        postprocess: "mirror" averages every method's scores over an image and its mirror image; None: the
            suite's, or "none"
        preset: name of a shipped suite's set of parameters and budgets
        data: folder of the prepared data sets
        results: folder of the runs
        out: folder to write a report to; None: no report is written
        device: "auto", "cpu", "cuda" or "cuda:N"
        jobs: number of runs at a time; None: one per GPU, or one per core as far as memory allows
        gpus_per_run: number of GPUs, or of processes on the CPU, that train one run together
        compile: whether to use torch.compile for the networks
        cuda_graph: whether to record training steps as CUDA graphs
        force: whether to repeat finished runs from the beginning
        dry_run: whether to only make the plan, without writing anything
        snapshots: number of images whose predictions are kept at every evaluation
        engine: where runs are executed; None: on this machine
        logs: loggers that get a copy of every curve, each "NAME" or "NAME=PLACE"
        plugins: files with more methods or data set recipes
        progress: shows the progress of preparing computer-generated data sets
        watcher: creates the display of running runs, such as `infoseg_bench.launchers.watch.watcher`
        log: called with a line of text for every plug-in or data set that is left out

    Returns:
        the plan, the outcomes of the runs, and the report

    Raises:
        UsageError: nothing is selected, or something unknown
        RunsInterrupted: Ctrl-C was pressed; the same call resumes the runs
    """
    jobs = None if jobs is None else whole("jobs", jobs, 1)
    gpus_per_run, snapshots = whole("gpus_per_run", gpus_per_run, 1), whole("snapshots", snapshots)
    selection = Selection(
        everything=everything, suite=None if suite is None else str(suite), datasets=names(datasets),
        methods=names(methods), seeds=None if seeds is None else list(seeds), parameters=parameters or {},
        steps=steps, evaluate_every=evaluate_every, protocol=protocol,
        postprocess=postprocess, preset=preset,
    )  # fmt: skip
    work = Work(
        results=Path(results), data=Path(data), device=device, processes=gpus_per_run, compile=compile,
        cuda_graph=cuda_graph, plugins=paths(plugins), snapshots=snapshots,
    )  # fmt: skip
    planned = plan_runs(
        selection, work, engine or Engine(), jobs=jobs, force=force,
        progress=None if dry_run else progress, log=log,
    )  # fmt: skip
    if dry_run:
        return RunResult(plan=planned)
    done = do_runs(planned, logs=logs, watcher=watcher)
    return done if out is None else with_report(done, Path(out))


def plan_runs(
    selection: Selection,
    work: Work,
    engine: Engine,
    *,
    jobs: int | None,
    force: bool,
    progress: ProgressFactory | None,
    log: Log,
) -> RunPlan:
    """Return the plan of the requested runs.

    Args:
        selection: the requested runs
        work: settings of the runs that do not affect their results
        engine: where the runs are executed
        jobs: number of runs at a time; None: as many as the machine allows
        force: whether to repeat finished runs
        progress: shows the preparation of missing computer-generated data sets; None: prepare nothing
        log: called with a line of text for every plug-in or data set that is left out

    Raises:
        UsageError: nothing is selected, or something unknown
    """
    local = engine.name == "local"
    device = choose_device(work.device if local else "cpu")
    if local:
        check_devices(device, gpus_per_run=work.processes, jobs=jobs or 1)
    registry, recipes = load_methods(work.plugins), load_recipes(work.plugins)
    prepared, problems = prepared_datasets(work.data)
    for line in (*(f"{name} cannot be loaded: {why}" for name, why in registry.broken.items()), *problems):
        log(f"left out: {line}")
    data = suite_and_data(selection, registry, recipes, prepared, work.data, progress=progress)
    for line in outdated((prepared[name] for name in data.suite.datasets if name in prepared), recipes):
        log(f"warning: {line}")
    source = cache(lambda name: source_hash(registry.method(name)))
    model = device_model(device) if local else None
    runs = look(plan(data.suite, data.outlines, registry), work.results, source, device=model, repeat=force)
    if jobs is None:
        todo = sum(run.to_do for run in runs)
        jobs = automatic_jobs(device, runs=todo, gpus_per_run=work.processes, store_bytes=data.largest_store)
    if local:
        threads = max(1, usable_cores() // (jobs * work.processes))
        runs = with_timed_costs(
            runs, data.outlines, device=work.device, threads=threads, plugins=work.plugins
        )
    return RunPlan(runs=tuple(runs), data=data, work=work, engine=engine, jobs=jobs, registry=registry)


def do_runs(planned: RunPlan, *, logs: Sequence[str], watcher: WatcherFactory) -> RunResult:
    """Execute the runs of a plan that are not finished.

    Args:
        planned: the plan
        logs: loggers that get a copy of every curve
        watcher: creates the display of running runs

    Raises:
        UsageError: an unknown logger, or its package is not installed
        RunsInterrupted: Ctrl-C was pressed
    """
    todo = [run.spec for run in planned.runs if run.to_do]
    work = planned.work
    # A mistake in a logger's name must be found before the runs to repeat are removed.
    followers = curve_followers(logs, work.results)
    for run in planned.runs:
        if run.repeated:
            RunFolder.of(work.results, run.spec).clear()
    damaged = [
        Outcome(run.spec, "failed", run.problem) for run in planned.runs if run.problem and not run.to_do
    ]
    if not todo:
        return RunResult(plan=planned, outcomes=tuple(damaged))
    shown = watcher(todo)
    watching = LogWatcher(shown, followers, work.results) if followers else shown
    engine = planned.engine.make(
        todo, work, methods=planned.registry.methods, jobs=planned.jobs, watcher=watching
    )
    with shown.context():
        outcomes = engine.run(todo)
    if engine.stopped:
        raise RunsInterrupted("Interrupted. Run the same command again to resume.")
    return RunResult(plan=planned, outcomes=(*outcomes, *damaged))


def with_report(done: RunResult, out: Path) -> RunResult:
    """Write a report of the results folder, unless all runs have failed.

    Args:
        done: what was run
        out: folder of the report

    Returns:
        `done` with the files of the report

    Raises:
        UserError: `out` cannot be written
    """
    if len(done.failed) >= len(done.plan.runs):
        return done
    work = done.plan.work
    report = write_report(work.results, out, data=work.data, plugins=work.plugins)
    return RunResult(plan=done.plan, outcomes=done.outcomes, report=report)
