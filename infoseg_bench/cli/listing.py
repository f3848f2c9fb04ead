"""`infoseg-bench list`: data sets and methods."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from infoseg_bench.cli.options import data_option, plugin_option

if TYPE_CHECKING:
    from infoseg_bench.contracts import DatasetRecipe, Method
    from infoseg_bench.contracts.registry import Registry


@click.command("list")
@click.option("--method", "method_name", help="Show this method's parameters with their sources.")
@data_option
@plugin_option
def list_command(method_name: str | None, data: Path, plugins: tuple[Path, ...]) -> None:
    """Show the data sets, prepared or not, and the methods."""
    from infoseg_bench.contracts.registry import load_methods, load_recipes

    methods = load_methods(plugins)
    if method_name:
        _show_parameters(methods.method(method_name))
        return
    recipes = load_recipes(plugins)
    _show_prepared(data)
    click.echo("\nData sets that can be prepared:")
    for name, recipe in sorted(recipes.recipes.items()):
        lines = [recipe.title, recipe.how_to_get, f"licence: {recipe.licence}", *_missing(recipe, data)]
        click.echo(f"  {name:<18} " + f"\n{'':<21}".join(lines))
    click.echo("\nMethods:")
    for name, method in sorted(methods.methods.items()):
        click.echo(f"  {name:<18} {method.title}: {method.citation}")
    _show_broken(methods)
    _show_broken(recipes)


def _missing(recipe: type[DatasetRecipe], data: Path) -> list[str]:
    """Return which archives are neither downloaded nor put there by hand."""
    from infoseg_bench.preparation.download import missing
    from infoseg_bench.preparation.preparation import downloads
    from infoseg_bench.utils.text import readable_size

    folder = downloads(data)
    absent = missing(recipe.sources, folder)
    sizes = ("" if source.size is None else f" ({readable_size(source.size)})" for source in absent)
    names = ", ".join(source.name + size for source, size in zip(absent, sizes, strict=True))
    return [f"not in {folder}: {names}"] if absent else []


def _show_summary(attributes: dict[str, Any]) -> None:
    """Show what `prepare` said at its end."""
    for name, line in json.loads(attributes.get("summary", "{}")).items():
        click.echo(f"{'':<21}{name}: {line}")
    click.echo(f"{'':<21}fingerprint: {attributes['fingerprint']}")
    for line in json.loads(attributes.get("warnings", "[]")):
        click.echo(f"{'':<21}warning: {line}")


def _show_prepared(data: Path) -> None:
    from infoseg_bench.data.catalogue import prepared_datasets

    found, problems = prepared_datasets(data)
    click.echo(f"Prepared in {data}:" if found else f"Nothing is prepared in {data}.")
    for name, prepared in sorted(found.items()):
        store, view = prepared.store, prepared.view
        size = store.path.stat().st_size / 2**20
        click.echo(
            f"  {name:<18} {len(view.classes)} classes, {len(view.train)} photos to train on, "
            f"{len(view.evaluation)} scored, {size:.0f} MiB, {store.fingerprint[:12]}"
        )
        if view.note:
            click.echo(f"{'':<21}{view.note}")
        _show_summary(store.attributes)
    for line in problems:
        click.echo(f"  {line}", err=True)


def _show_parameters(method: type[Method]) -> None:
    click.echo(f"{method.title}: {method.citation}\n")
    for name, field in method.parameters_type.model_fields.items():
        extra = field.json_schema_extra
        source = extra.get("source") if isinstance(extra, dict) else None
        click.echo(f"  {method.name}.{name} = {field.default}\n      {field.description}\n      [{source}]")
    for dataset, values in method.presets.items():
        click.echo(f"  on {dataset}: {', '.join(f'{key}={value}' for key, value in values.items())}")


def _show_broken(registry: Registry) -> None:
    for name, reason in registry.broken.items():
        click.echo(f"  {name:<18} cannot be loaded: {reason}", err=True)
