"""`infoseg-bench prepare NAME`: one command per recipe, with the recipe's options."""

from __future__ import annotations

import signal
import sys
import types
import typing
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from infoseg_bench.cli.downloading import confirm_download
from infoseg_bench.cli.options import data_option, plugin_option
from infoseg_bench.utils.progress import ProgressFactory, show_progress

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from infoseg_bench.contracts import DatasetRecipe


Item = TypeVar("Item")


class _Recipes(click.Group):
    """Command group with one command per recipe, created from the recipe's options when needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        from infoseg_bench.contracts.registry import load_recipes

        # `infoseg-bench list` shows the error of a broken recipe; the others keep working.
        return sorted(load_recipes(ctx.params.get("plugins", ())).recipes)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        from infoseg_bench.contracts.registry import load_recipes

        return _command(load_recipes(ctx.params.get("plugins", ())).recipe(cmd_name))


@click.group(cls=_Recipes, subcommand_metavar="NAME [OPTIONS]")
@plugin_option
def prepare(plugins: tuple[Path, ...]) -> None:
    """Build a data set from its files.

    `infoseg-bench prepare NAME --help` shows what the data set needs.
    """


def _command(recipe: type[DatasetRecipe]) -> click.Command:
    def callback(data: Path, yes: bool = False, **values: Any) -> None:
        from infoseg_bench.api.preparing import prepare_recipe

        given = {name: value for name, value in values.items() if value is not None}
        options = recipe.options_type.parse(given, f"prepare {recipe.name}")
        progress = _interruptible_progress()
        prepared = prepare_recipe(
            recipe, options, data, progress=progress,
            confirm=lambda needed: confirm_download(needed, unasked=yes),
            log=lambda line: click.echo(line, err=True),
        )  # fmt: skip
        for name, line in prepared.summary.items():
            click.echo(f"{name:<28} {line}")
        click.echo(f"{'store':<28} {prepared.store}")
        for line in prepared.warnings:
            click.echo(f"warning: {line}", err=True)

    options = [_option(name, field) for name, field in recipe.options_type.model_fields.items()]
    if any(not source.by_hand for source in recipe.sources):
        options.append(click.Option(["--yes"], is_flag=True, help="Download without asking."))
    cite = f"Cite: {recipe.citation}\n\n" if recipe.citation else ""
    doc = f"{recipe.title}.\n\n{recipe.how_to_get}\n\n{cite}Licence: {recipe.licence}"
    command = click.Command(
        recipe.name, params=list(options), callback=callback, help=doc, short_help=recipe.title
    )
    return data_option(command)


def _interruptible_progress() -> ProgressFactory:
    """Return a progress display that stops at the next item if a library has swallowed a Ctrl-C."""
    asked: list[int] = []

    def on_interrupt(number: int, frame: object) -> None:
        asked.append(number)
        raise KeyboardInterrupt

    def progress(items: Sequence[Item], title: str) -> Iterator[Item]:
        for item in show_progress(items, title):
            if asked:
                raise KeyboardInterrupt
            yield item

    def unraisable(swallowed: Any) -> None:
        # The interrupt has been recorded, so its traceback would add nothing.
        if not isinstance(swallowed.exc_value, KeyboardInterrupt):
            sys.__unraisablehook__(swallowed)

    signal.signal(signal.SIGINT, on_interrupt)
    sys.unraisablehook = unraisable
    return progress


def _option(name: str, field: FieldInfo) -> click.Option:
    kind = _kind(field.annotation)
    flag = f"--{name.replace('_', '-')}"
    if kind is bool:
        flag, kind = f"{flag}/--no-{name.replace('_', '-')}", click.BOOL
    elif kind is Path:
        kind = click.Path(path_type=Path)
    default = None if field.is_required() else field.default
    return click.Option(
        [flag],
        type=kind,
        default=default,
        show_default=default not in (None, ""),
        required=field.is_required(),
        help=field.description,
    )


def _kind(annotation: Any) -> Any:
    """Return click's type for an annotation such as `X | None`; text if there is no better one."""
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        annotation = next(part for part in typing.get_args(annotation) if part is not type(None))
    if typing.get_origin(annotation) is typing.Literal:
        return click.Choice(typing.get_args(annotation))
    return annotation if annotation in (int, float, bool, Path) else str
