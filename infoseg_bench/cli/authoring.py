"""`infoseg-bench new` and `infoseg-bench check`: write and check your own method."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from infoseg_bench.cli.options import plugin_option, set_option
from infoseg_bench.errors import UserError


@click.group()
def new() -> None:
    """Write a template file for a new method."""


@new.command()
@click.argument("name")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write.  [default: the name with underscores, in the current folder]",
)
def method(name: str, out: Path | None) -> None:
    """Write a template of a method: one commented file, which can be run as it is."""
    from infoseg_bench.method_checks.scaffold import write_method

    path = write_method(name, out)
    click.echo(f"written: {path}")
    click.echo(f"check it:  infoseg-bench check {path}")
    click.echo(
        f"run it:    infoseg-bench run --plugin {path} --method {name} --dataset synthetic-scenes --steps 300"
    )


@click.command()
@click.argument("name")
@set_option("Set a method's parameter, such as infoseg.width=4, for quick checks.")
@plugin_option
def check(name: str, parameters: dict[str, dict[str, Any]], plugins: tuple[Path, ...]) -> None:
    """Check that a method meets the requirements on all methods.

    NAME is the name of a method, or the path of a Python file with one or more methods. Each method is
    fitted several times on eight small random photos, for three steps with batches of four.
    """
    import torch

    from infoseg_bench.contracts.registry import find_methods
    from infoseg_bench.method_checks.contract import check_method

    torch.set_num_threads(1)
    failed = 0
    for cls in find_methods(name, plugins):
        for outcome in check_method(cls, parameters.get(cls.name, {})):
            remedy = f" -> {outcome.check.remedy}" if outcome.ending == "failed" else ""
            reason = f": {outcome.reason}" if outcome.reason else ""
            click.echo(f"{outcome.ending:<14} {outcome.check.title}{reason}{remedy}")
            failed += outcome.ending == "failed"
    if failed:
        raise UserError(f"{name}: {failed} checks failed: see the lines above for what to change")
    click.echo(f"{name}: all checks passed.")
