"""The steps of `infoseg-bench run`: data, plan, runs, report."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import click

from infoseg_bench.errors import UserError
from infoseg_bench.utils.text import plural

if TYPE_CHECKING:
    from infoseg_bench.contracts.registry import Registry
    from infoseg_bench.data.catalogue import PreparedDataset
    from infoseg_bench.launchers.choice import EngineChoice
    from infoseg_bench.launchers.engine import Outcome
    from infoseg_bench.launchers.work import Work
    from infoseg_bench.planning.data import SuiteData
    from infoseg_bench.planning.planned import PlannedRun
    from infoseg_bench.planning.selection import Selection
    from infoseg_bench.records.spec import RunSpec
    from infoseg_bench.reporting.gallery import Gallery


class RunsFailed(UserError):
    """Some runs did not come to their end; the table of them has been printed."""


class RunsInterrupted(UserError):
    """Somebody has stopped the runs."""

    exit_status = 130


def offer_demo(
    selection: Selection, prepared: Mapping[str, PreparedDataset], recipes: Registry, data: Path
) -> Selection:
    """Return the selection; where nothing is prepared, show what can be, and offer the demo at a terminal."""
    from infoseg_bench.planning.data import DEMO

    if prepared or not selection.everything or selection.suite or selection.datasets:
        return selection
    click.echo(f"No data set is prepared in {data}. These can be:\n")
    for name, recipe in sorted(recipes.recipes.items()):
        click.echo(f"  {name:<18} {recipe.how_to_get}")
    click.echo(f"\nThe demo needs no data:  {DEMO}\n")
    if sys.stdin.isatty() and click.confirm("Run the demo now?", default=True):
        return replace(selection, suite="demo")
    return selection


def show_plan(
    specs: Sequence[RunSpec],
    found: SuiteData,
    registry: Registry,
    work: Work,
    *,
    force: bool,
    local: bool,
    jobs: int | None,
) -> tuple[list[PlannedRun], int]:
    """Print how far every run is and what the rest costs.

    Returns:
        the runs as they were found, and how many are done side by side
    """
    from infoseg_bench.contracts.method_source import source_hash
    from infoseg_bench.launchers.shares import automatic_jobs
    from infoseg_bench.planning.planned import look
    from infoseg_bench.planning.summary import cost_lines, needs_lines, plan_lines
    from infoseg_bench.profiling.trial import with_timed_costs
    from infoseg_bench.records.provenance import device_model
    from infoseg_bench.utils.cores import usable_cores
    from infoseg_bench.utils.device import choose_device

    device = choose_device(work.device if local else "cpu")
    source = cache(lambda name: source_hash(registry.method(name)))
    planned = look(specs, work.results, source, device=device_model(device) if local else None, repeat=force)
    if jobs is None:
        todo = sum(run.to_do for run in planned)
        size = found.largest_store
        jobs = automatic_jobs(device, runs=todo, gpus_per_run=work.processes, store_bytes=size)
    if local:
        threads = max(1, usable_cores() // (jobs * work.processes))
        planned = with_timed_costs(
            planned, found.outlines, device=work.device, threads=threads, plugins=work.plugins
        )
    click.echo(f"{plural(len(specs), 'run')} in {work.results}:")
    for line in plan_lines(planned):
        click.echo(f"  {line}")
    on_cpu = local and device.type == "cpu"
    for line in (
        *needs_lines(found.needs),
        *cost_lines(planned, jobs if local else None, on_cpu=on_cpu),
    ):
        click.echo(line)
    return planned, jobs


def execute(
    specs: Sequence[RunSpec],
    work: Work,
    choice: EngineChoice,
    *,
    methods: Collection[str],
    jobs: int,
    logs: Sequence[str] = (),
) -> list[Outcome]:
    """Do the runs where the user has chosen, here `jobs` side by side, showing their progress.

    Args:
        specs: the runs
        work: how they are done
        choice: of the engine
        methods: all that are known, for words about one of them
        jobs: side by side on this machine
        logs: loggers that get a copy of every curve, each "NAME" or "NAME=PLACE"

    Raises:
        RunsInterrupted: Ctrl-C
    """
    from infoseg_bench.launchers.watch import watcher
    from infoseg_bench.launchers.watch_logs import LogWatcher
    from infoseg_bench.loggers.choice import curve_followers

    if not specs:
        return []
    watching = watcher(specs)
    told = LogWatcher(watching, curve_followers(logs, work.results), work.results) if logs else watching
    engine = choice.make(specs, work, methods=methods, jobs=jobs, watcher=told)
    with watching.context():
        outcomes = engine.run(specs)
    if engine.stopped:
        raise RunsInterrupted("Interrupted. Run the same command again to resume.")
    return outcomes


def _show_galleries(specs: Sequence[RunSpec], galleries: Sequence[tuple[Gallery, Path]]) -> None:
    from infoseg_bench.reporting.gallery import text

    for gallery, page in galleries:
        first = gallery.first.spec
        if any((spec.dataset, spec.fingerprint) == (first.dataset, first.fingerprint) for spec in specs):
            click.echo(f"\n{text(gallery)}\n\nsegments: {page}")
            click.echo(f"photos of any size: infoseg-bench predict --run {gallery.first.identity[:8]} FOLDER")


def conclude(specs: Sequence[RunSpec], outcomes: Sequence[Outcome], work: Work, *, out: Path) -> None:
    """Write the report, print the boards of the runs' data sets, and list what failed.

    Raises:
        RunsFailed: a run did not come to its end
    """
    from infoseg_bench.records.differences import Differences
    from infoseg_bench.reporting.terminal import print_board
    from infoseg_bench.reporting.write import write_report

    failed = [outcome for outcome in outcomes if outcome.ending != "finished"]
    if len(failed) < len(specs):
        report = write_report(work.results, out, data=work.data, plugins=work.plugins)
        for board in report.boards:
            if any((spec.dataset, spec.fingerprint) == (board.dataset, board.fingerprint) for spec in specs):
                print_board(board)
        _show_galleries(specs, report.galleries)
        if report.boards:
            click.echo(f"\nreport: {report.index}\npage: {report.page}")
    label = Differences.among(specs).label
    for outcome in failed:
        spec = outcome.spec
        click.echo(f"  {spec.short_id}  {label(spec)}: {outcome.ending}: {outcome.reason}", err=True)
    if failed:
        raise RunsFailed(
            f"{len(failed)} of {plural(len(specs), 'run')} did not finish. Run the same command to try again."
        )
