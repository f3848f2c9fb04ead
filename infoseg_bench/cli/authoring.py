"""`infoseg-bench new` and `infoseg-bench check`: write and check your own method."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from infoseg_bench.cli.options import plugin_option, set_option
from infoseg_bench.errors import UsageError, UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infoseg_bench.contracts import Method
    from infoseg_bench.contracts.registry import Registry
    from infoseg_bench.method_checks.check import Check
    from infoseg_bench.method_checks.subject import Subject


@click.group()
def new() -> None:
    """Write a template file for a new method."""


@new.command()
@click.argument("name")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write.  [default: the name with underscores, in this folder]",
)
def method(name: str, out: Path | None) -> None:
    """Write a working method in one commented file, to start from."""
    from infoseg_bench.contracts.registry import load_methods
    from infoseg_bench.method_checks.scaffold import write_method

    if name in load_methods().methods:
        raise UsageError(f"method name {name!r} is taken: choose another")
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
    """Check that a method fulfils the contract that every method must fulfil.

    NAME is a method's name, or the path of a file with one or more. It is fitted many times for three
    steps on eight small random photos, in batches of four.
    """
    import tempfile

    import torch

    from infoseg_bench.method_checks.contract import CHECKS
    from infoseg_bench.method_checks.subject import Subject

    failed = 0
    torch.set_num_threads(1)
    for cls in _methods(name, plugins):
        cls.resolve("any", parameters.get(cls.name, {}))
        with tempfile.TemporaryDirectory(prefix="infoseg-bench-check-") as folder:
            subject = Subject(cls=cls, folder=Path(folder), settings=parameters.get(cls.name, {}))
            failed += _show(subject, CHECKS)
    if failed:
        raise UserError(f"{name}: {failed} checks failed; the lines above say which, and what to change")
    click.echo(f"{name}: all checks passed.")


def _show(subject: Subject, checks: Sequence[Check]) -> int:
    from infoseg_bench.method_checks.check import do_checks

    failed = 0
    for outcome in do_checks(subject, checks):
        remedy = f" -> {outcome.check.remedy}" if outcome.ending == "failed" else ""
        words = f": {outcome.words}" if outcome.words else ""
        click.echo(f"{outcome.ending:<11} {outcome.check.title}{words}{remedy}")
        failed += outcome.ending == "failed"
    return failed


def _methods(name: str, plugins: tuple[Path, ...]) -> list[type[Method]]:
    from infoseg_bench.contracts.registry import load_methods

    if not name.endswith(".py"):
        return [load_methods(plugins).method(name)]
    shipped = load_methods(plugins)
    registry = load_methods([*plugins, Path(name)])
    found = [cls for key, cls in registry.methods.items() if key not in shipped.methods]
    _refuse_broken(registry, name)
    if not found:
        raise UsageError(f"{name}: no method in this file: infoseg-bench new method NAME writes one")
    return found


def _refuse_broken(registry: Registry, name: str) -> None:
    if str(Path(name)) in registry.broken:
        raise UserError(f"{name}: cannot be loaded: {registry.broken[str(Path(name))]}")
