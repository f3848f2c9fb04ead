"""`infoseg-bench status`: what is finished, running, failed, interrupted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from infoseg_bench.cli.options import results_option
from infoseg_bench.errors import UserError

if TYPE_CHECKING:
    from infoseg_bench.runs.folder import RunFolder


@click.command()
@results_option
@click.option(
    "--tensorboard",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write every run's curve as TensorBoard event files into this folder.",
)
def status(results: Path, tensorboard: Path | None) -> None:
    """Show every run of a results folder and how far it is."""
    from infoseg_bench.engines.watch import describe, label
    from infoseg_bench.runs.folder import RunFolder

    folders = [RunFolder(path.parent) for path in sorted((results / "runs").glob("*/spec.json"))]
    if not folders:
        raise UserError(f"no runs in {results}: infoseg-bench run makes them, --results names another folder")
    if tensorboard:
        _write_events(folders, tensorboard)
    states: Counter[str] = Counter()
    for folder in folders:
        state, told = folder.state(), folder.status()
        states[state] += 1
        words = describe(told) if state == "running" and "step" in told else str(told.get("error", ""))
        click.echo(f"{state:<12} {label(folder.spec())}  {words}".rstrip())
    click.echo(", ".join(f"{count} {state}" for state, count in states.most_common()))


def _write_events(folders: Sequence[RunFolder], out: Path) -> None:
    from infoseg_bench.report.tensorboard import EventFiles

    events = EventFiles(out)
    for folder in folders:
        events.follow(folder.path)
    events.close()
    click.echo(f"events: tensorboard --logdir {out}")
