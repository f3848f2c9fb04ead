"""`infoseg-bench status`: what is finished, running, failed, interrupted."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from infoseg_bench.cli.options import results_option
from infoseg_bench.errors import UserError


@click.command()
@results_option
def status(results: Path) -> None:
    """Show every run of a results folder and how far it is."""
    from infoseg_bench.engines.watch import describe, label
    from infoseg_bench.runs.folder import RunFolder

    folders = [RunFolder(path.parent) for path in sorted((results / "runs").glob("*/spec.json"))]
    if not folders:
        raise UserError(f"no runs in {results}: infoseg-bench run makes them, --results names another folder")
    states: Counter[str] = Counter()
    for folder in folders:
        state, told = folder.state(), folder.status()
        states[state] += 1
        words = describe(told) if state == "running" and "step" in told else str(told.get("error", ""))
        click.echo(f"{state:<12} {label(folder.spec())}  {words}".rstrip())
    click.echo(", ".join(f"{count} {state}" for state, count in states.most_common()))
