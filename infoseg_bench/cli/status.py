"""`infoseg-bench status`: what is finished, running, failed, interrupted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from infoseg_bench.cli.options import log_options, results_option
from infoseg_bench.errors import UserError

if TYPE_CHECKING:
    from infoseg_bench.records.folder import RunFolder
    from infoseg_bench.records.spec import RunSpec


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@log_options
@results_option
def status(results: Path, as_json: bool, logs: tuple[str, ...]) -> None:
    """Show every run of a results folder and how far it is."""
    from infoseg_bench.records.differences import Differences
    from infoseg_bench.records.folder import RunFolder

    folders = [RunFolder(path.parent) for path in sorted((results / "runs").glob("*/spec.json"))]
    specs = [folder.spec() for folder in folders]
    words = Differences.among(specs).words
    found = [_look(folder, spec, words(spec)) for folder, spec in zip(folders, specs, strict=True)]
    if not found:
        raise UserError(f"no runs in {results}: infoseg-bench run makes them, --results names another folder")
    if logs:
        _write_logs(folders, logs, results)
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        _show(found)


def _look(folder: RunFolder, spec: RunSpec, settings: str) -> dict[str, Any]:
    from infoseg_bench.launchers.columns import TITLES, row
    from infoseg_bench.records.record import FinishedRecord

    record, told = folder.record(), folder.status()
    state = folder.state_with(record)
    if isinstance(record, FinishedRecord):
        told = {**told, "pixel_accuracy": record.pixel_accuracy, "diagnostics": record.diagnostics}
    if state not in ("running", "finished"):
        # What a worker has told before it died tells nothing of now.
        told = {key: told[key] for key in ("step", "steps", "loss", "pixel_accuracy", "error") if key in told}
    cells = dict(zip(TITLES, row(spec, state, told, settings), strict=True))
    error = str(told.get("error", "")) if state == "failed" else ""
    return {"folder": folder.path.name, "identity": spec.identity, "status": told, "error": error, **cells,
            "state": state, "doing": cells["state"]}  # fmt: skip


def _show(found: list[dict[str, Any]]) -> None:
    from infoseg_bench.launchers.columns import TITLES

    rows = [
        TITLES,
        *(tuple(run["doing" if title == "state" else title] for title in TITLES) for run in found),
    ]
    widths = [max(len(cells[column]) for cells in rows) for column in range(len(TITLES))]
    for cells, error in zip(rows, ["", *(run["error"] for run in found)], strict=True):
        words = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
        click.echo("  ".join([*words, error]).rstrip())
    states = Counter(run["state"] for run in found)
    click.echo(", ".join(f"{count} {state}" for state, count in states.most_common()))


def _write_logs(folders: Iterable[RunFolder], logs: Sequence[str], results: Path) -> None:
    from infoseg_bench.loggers.choice import curve_followers

    followers = curve_followers(logs, results)
    for folder in folders:
        for follower in followers.values():
            follower.end(folder)
    for name in followers:
        click.echo(f"Curves written: {name}", err=True)
