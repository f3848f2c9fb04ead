"""The steps of `infoseg-bench run`: data, plan, runs, report."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from infoseg_bench.errors import UserError

if TYPE_CHECKING:
    from infoseg_bench.launchers.choice import EngineChoice
    from infoseg_bench.launchers.engine import Outcome
    from infoseg_bench.launchers.work import Work
    from infoseg_bench.records.spec import RunSpec
    from infoseg_bench.reporting.gallery import Gallery


class RunsFailed(UserError):
    """Some runs did not come to their end; the table of them has been printed."""


class RunsInterrupted(UserError):
    """Somebody has stopped the runs."""

    exit_status = 130


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
        raise RunsInterrupted("stopped; nothing finished is lost, and the same command continues")
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
    from infoseg_bench.reporting.leaderboard import markdown
    from infoseg_bench.reporting.write import write_report

    failed = [outcome for outcome in outcomes if outcome.ending != "finished"]
    if len(failed) < len(specs):
        report = write_report(work.results, out, data=work.data, plugins=work.plugins)
        for board in report.boards:
            if any((spec.dataset, spec.fingerprint) == (board.dataset, board.fingerprint) for spec in specs):
                click.echo("\n" + markdown(board))
        _show_galleries(specs, report.galleries)
        if report.boards:
            click.echo(f"\nreport: {report.index}\npage: {report.page}")
    label = Differences.among(specs).label
    for outcome in failed:
        click.echo(f"  {label(outcome.spec)}: {outcome.ending}: {outcome.reason}", err=True)
    if failed:
        raise RunsFailed(
            f"{len(failed)} of {len(specs)} runs did not finish; the same command tries them again"
        )
