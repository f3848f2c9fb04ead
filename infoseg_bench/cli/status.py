"""`infoseg-bench status`: show the states of runs."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from infoseg_bench.cli.options import dataset_filter, log_options, method_filter, results_option
from infoseg_bench.errors import UserError

STATES = ("finished", "running", "failed", "interrupted", "missing", "damaged")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@dataset_filter
@method_filter
@click.option(
    "--state",
    "states",
    type=click.Choice(STATES),
    multiple=True,
    help="Show only runs in this state; may be given several times.",
)
@log_options
@results_option
def status(
    results: Path,
    as_json: bool,
    datasets: tuple[str, ...],
    methods: tuple[str, ...],
    states: tuple[str, ...],
    logs: tuple[str, ...],
) -> None:
    """Show every run of a results folder, its state and its progress."""
    from infoseg_bench.launchers.run_status import run_statuses, status_table

    found, problems = run_statuses(results, datasets=datasets, methods=methods, states=states)
    for line in problems:
        click.echo(line, err=True)
    if not found:
        which = " of this selection" if datasets or methods or states else ""
        raise UserError(
            f"no runs{which} in {results}: use --results DIR, or start runs with infoseg-bench run"
        )
    if logs:
        _write_logs([results / "runs" / run.folder for run in found], logs, results)
    if as_json:
        click.echo(json.dumps([run.model_dump(mode="json") for run in found], indent=2))
        return
    for line in status_table(found, shutil.get_terminal_size().columns):
        click.echo(line)
    counts = Counter(run.state for run in found)
    click.echo(", ".join(f"{count} {state}" for state, count in counts.most_common()))


def _write_logs(folders: Iterable[Path], logs: Sequence[str], results: Path) -> None:
    from infoseg_bench.loggers.named import curve_followers
    from infoseg_bench.records.folder import RunFolder

    followers = curve_followers(logs, results)
    for folder in folders:
        for follower in followers.values():
            follower.end(RunFolder(folder))
    for name in followers:
        click.echo(f"Curves written: {name}", err=True)
