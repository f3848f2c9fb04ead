"""The steps of `infoseg-bench run`: data, plan, runs, report."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from infoseg_bench.cli.selection import Selection, chosen_suite
from infoseg_bench.errors import UsageError, UserError, unknown_name

if TYPE_CHECKING:
    from infoseg_bench.cli.engine_choice import EngineChoice
    from infoseg_bench.data.catalogue import PreparedDataset
    from infoseg_bench.engines.engine import Outcome, Watcher
    from infoseg_bench.engines.work import Work
    from infoseg_bench.registry import Registry
    from infoseg_bench.runs.spec import RunSpec
    from infoseg_bench.runs.suite import Suite

DEMO = "infoseg-bench run --all --suite demo"


class RunsFailed(UserError):
    """Some runs did not come to their end; the table of them has been printed."""


class RunsInterrupted(UserError):
    """Somebody has stopped the runs."""

    exit_status = 130


def suite_and_data(
    selection: Selection, registry: Registry, data: Path, plugins: Sequence[Path]
) -> tuple[Suite, dict[str, PreparedDataset]]:
    """Give the suite and its data sets, preparing embedded ones that are missing.

    Raises:
        UsageError: unknown names, nothing prepared
    """
    from infoseg_bench.data.catalogue import prepared_datasets
    from infoseg_bench.registry import load_recipes

    prepared, problems = prepared_datasets(data)
    for line in problems:
        click.echo(f"left out: {line}", err=True)
    recipes = load_recipes(plugins)
    wants_prepared = selection.everything and not selection.suite and not selection.datasets
    if wants_prepared and not prepared:
        selection = _offer_demo(selection, recipes, data)
    suite = chosen_suite(selection, sorted(prepared), registry, obtainable=recipes.recipes)
    for name in suite.datasets:
        if name not in prepared:
            _prepare_embedded(name, suite, recipes, data, known=prepared)
            prepared, _ = prepared_datasets(data)
    return suite, prepared


def largest_store(specs: Sequence[RunSpec], datasets: dict[str, PreparedDataset]) -> int:
    """Give the bytes of the largest store that the runs read."""
    files = {datasets[spec.dataset].store.path for spec in specs}
    return max((file.stat().st_size for file in files), default=0)


def execute(
    specs: Sequence[RunSpec],
    work: Work,
    choice: EngineChoice,
    *,
    methods: Collection[str],
    jobs: int,
    tensorboard: Path | None,
) -> list[Outcome]:
    """Do the runs where the user has chosen, here `jobs` side by side, showing their progress.

    Args:
        specs: the runs
        work: how they are done
        choice: of the engine
        methods: all that are known, for words about one of them
        jobs: side by side on this machine
        tensorboard: folder for events of every curve

    Raises:
        RunsInterrupted: Ctrl-C
    """
    from infoseg_bench.engines.watch import watcher

    if not specs:
        return []
    watching = watcher(specs)
    told = _with_events(watching, tensorboard, work.results) if tensorboard else watching
    engine = choice.make(specs, work, methods=methods, jobs=jobs, watcher=told)
    with watching.context():
        outcomes = engine.run(specs)
    if engine.stopped:
        raise RunsInterrupted("stopped; nothing finished is lost, and the same command continues")
    return outcomes


def _with_events(watcher: Watcher, out: Path, results: Path) -> Watcher:
    from infoseg_bench.engines.watch_curves import CurveWatcher
    from infoseg_bench.report.tensorboard import EventFiles

    return CurveWatcher(watcher, EventFiles(out), results)


def conclude(specs: Sequence[RunSpec], outcomes: Sequence[Outcome], work: Work, *, out: Path) -> None:
    """Write the report, print the boards of the runs' data sets, and list what failed.

    Raises:
        RunsFailed: a run did not come to its end
    """
    from infoseg_bench.report.leaderboard import markdown
    from infoseg_bench.report.write import write_report
    from infoseg_bench.runs.differences import Differences

    failed = [outcome for outcome in outcomes if outcome.ending != "finished"]
    if len(failed) < len(specs):
        report = write_report(work.results, out, data=work.data, plugins=work.plugins)
        for board in report.boards:
            if any((spec.dataset, spec.fingerprint) == (board.dataset, board.fingerprint) for spec in specs):
                click.echo("\n" + markdown(board))
        click.echo(f"\nreport: {report.index}\npage: {report.page}")
    label = Differences.among(specs).label
    for outcome in failed:
        click.echo(f"  {label(outcome.spec)}: {outcome.ending}: {outcome.reason}", err=True)
    if failed:
        raise RunsFailed(
            f"{len(failed)} of {len(specs)} runs did not finish; the same command tries them again"
        )


def _offer_demo(selection: Selection, recipes: Registry, data: Path) -> Selection:
    click.echo(f"No data set is prepared in {data}. These can be:\n")
    for name, recipe in sorted(recipes.recipes.items()):
        click.echo(f"  {name:<18} {recipe.how_to_get}")
    click.echo(f"\nThe demo needs nothing:  {DEMO}\n")
    if sys.stdin.isatty() and click.confirm("Run the demo now?", default=True):
        return replace(selection, suite="demo")
    raise UsageError(f"nothing is prepared in {data}: prepare a data set, or run the demo with {DEMO}")


def _prepare_embedded(
    name: str, suite: Suite, recipes: Registry, data: Path, known: dict[str, PreparedDataset]
) -> None:
    from infoseg_bench.progress import show_progress

    recipe = recipes.recipes.get(name)
    if recipe is None:
        raise unknown_name("data set", name, {*known, *recipes.recipes}, "infoseg-bench list shows every one")
    if not recipe.embedded:
        raise UsageError(f"data set {name!r} is not prepared in {data}: {recipe.how_to_get}")
    options = recipe.options_type.parse(suite.prepare.get(name, {}), f"prepare {name}")
    recipe().prepare(options, data, show_progress)
