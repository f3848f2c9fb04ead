"""`infoseg-bench doctor`: the state of this installation, for the user and for bug reports."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from infoseg_bench.cli.options import data_option, results_option
from infoseg_bench.errors import UserError


class ProblemsFound(UserError):
    """The doctor found problems, which have been printed."""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@data_option
@results_option
def doctor(as_json: bool, data: Path, results: Path) -> None:
    """Check this installation, and print what a bug report should include.

    Shows versions, devices, memory, disk space, optional packages and prepared data sets, then one line per
    problem. The exit status is 1 if there are problems.
    """
    from infoseg_bench.profiling.machine import diagnose

    found = diagnose(data, results)
    if as_json:
        click.echo(json.dumps(asdict(found), indent=2))
    else:
        width = max(len(name) for facts in found.sections.values() for name in facts)
        for title, facts in found.sections.items():
            click.echo(title)
            for name, value in (facts or {"none": ""}).items():
                click.echo(f"  {name:<{width}}  {value}".rstrip())
        for problem in found.problems:
            click.echo(f"Problem: {problem}")
        if not found.problems:
            click.echo("No problems found.")
    if found.problems:
        raise ProblemsFound(f"{len(found.problems)} problem{'s' * (len(found.problems) > 1)} found")
