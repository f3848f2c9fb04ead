"""Questions and output of `infoseg-bench run`: the demo, the plan, the leaderboards and failed runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from infoseg_bench.errors import UserError
from infoseg_bench.utils.text import plural

if TYPE_CHECKING:
    from infoseg_bench.api.running import RunPlan, RunResult
    from infoseg_bench.planning.selection import Selection
    from infoseg_bench.records.spec import RunSpec
    from infoseg_bench.reporting.write import Report


class RunsFailed(UserError):
    """Some runs did not finish; they have been listed."""


def offer_demo(selection: Selection, data: Path, plugins: Sequence[Path]) -> Selection:
    """Return the selection; if no data set is prepared, list the recipes first, and offer the demo."""
    from infoseg_bench.contracts.registry import load_recipes
    from infoseg_bench.data.catalogue import prepared_datasets
    from infoseg_bench.planning.data import DEMO

    if not selection.everything or selection.suite or selection.datasets or prepared_datasets(data)[0]:
        return selection
    click.echo(f"No data set is prepared in {data}. These can be prepared:\n")
    for name, recipe in sorted(load_recipes(plugins).recipes.items()):
        click.echo(f"  {name:<18} {recipe.how_to_get}")
    click.echo(f"\nThe demo needs no data:  {DEMO}\n")
    if sys.stdin.isatty() and click.confirm("Run the demo now?", default=True):
        return replace(selection, suite="demo")
    return selection


def show_plan(planned: RunPlan) -> None:
    """Print the state of every run and the estimated cost of the unfinished ones."""
    from infoseg_bench.planning.summary import cost_lines, needs_lines, plan_lines
    from infoseg_bench.utils.device import choose_device

    click.echo(f"{plural(len(planned.runs), 'run')} in {planned.work.results}:")
    for line in plan_lines(planned.runs):
        click.echo(f"  {line}")
    on_cpu = planned.local and choose_device(planned.work.device).type == "cpu"
    jobs = planned.jobs if planned.local else None
    for line in (*needs_lines(planned.data.needs), *cost_lines(planned.runs, jobs, on_cpu=on_cpu)):
        click.echo(line)


def conclude(done: RunResult) -> None:
    """Print the leaderboards of the runs' data sets, and list the runs that failed.

    Raises:
        RunsFailed: a run did not finish
    """
    from infoseg_bench.records.differences import Differences

    specs, failed = done.plan.specs, done.failed
    if done.report is not None:
        _show_report(done.report, specs)
    label = Differences.among(specs).label
    for outcome in failed:
        spec = outcome.spec
        click.echo(f"  {label(spec)}: {outcome.ending}: {outcome.reason} (id {spec.short_id})", err=True)
    if failed:
        raise RunsFailed(
            f"{len(failed)} of {plural(len(specs), 'run')} did not finish. Run the same command to try again,"
            " after what the lines above ask for."
        )


def _show_report(report: Report, specs: Sequence[RunSpec]) -> None:
    from infoseg_bench.reporting.terminal import print_board, print_gallery

    shown = {(spec.dataset, spec.fingerprint) for spec in specs}
    for board in report.boards:
        if (board.dataset, board.fingerprint) in shown:
            print_board(board)
    for gallery, page in report.galleries:
        first = gallery.first.spec
        if (first.dataset, first.fingerprint) in shown:
            print_gallery(gallery)
            click.echo(f"\nsegments: {page}")
            click.echo(
                f"segment your own photos: infoseg-bench predict --run {gallery.first.identity[:8]} FOLDER"
            )
    if report.boards:
        click.echo(f"\nreport: {report.index}\npage: {report.page}")
