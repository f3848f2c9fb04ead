"""`infoseg-bench list`: show data sets and methods."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from infoseg_bench.cli.completion import METHODS
from infoseg_bench.cli.options import data_option, dataset_filter, plugin_option

if TYPE_CHECKING:
    from infoseg_bench.contracts import DatasetRecipe, Method
    from infoseg_bench.data.catalogue import PreparedDataset


@click.command("list")
@click.option(
    "--method",
    "method_name",
    shell_complete=METHODS,
    help="Show this method's parameters, with the sources of their defaults.",
)
@dataset_filter
@click.option(
    "--state",
    type=click.Choice(["prepared", "obtainable"]),
    help="Show only data sets in this state, and no methods.",
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@data_option
@plugin_option
def list_command(
    method_name: str | None,
    datasets: tuple[str, ...],
    state: str | None,
    as_json: bool,
    data: Path,
    plugins: tuple[Path, ...],
) -> None:
    """Show the data sets, prepared or not, and the methods."""
    from infoseg_bench.api.available import listing

    found = listing(data, datasets=datasets, method=method_name, plugins=plugins)
    shows_methods = not (state or datasets)
    if as_json:
        figures = {
            "prepared": [_prepared_facts(one) for one in found.prepared.values() if state != "obtainable"],
            "datasets": [_recipe_facts(one) for one in found.recipes if state != "prepared"],
            "methods": [_method_facts(one) for one in found.methods if shows_methods],
            "problems": [*found.problems, *(f"{name}: {why}" for name, why in found.broken.items())],
        }
        click.echo(json.dumps(figures, indent=2, default=str))
        return
    if method_name:
        _show_parameters(found.methods[0])
        return
    if state != "obtainable":
        _show_prepared(data, found.prepared, found.problems)
    if state != "prepared":
        _show_obtainable(found.recipes, data)
    if shows_methods:
        click.echo("\nMethods:")
        for method in found.methods:
            click.echo(f"  {method.name:<18} {method.title}: {method.citation}")
    for name, reason in found.broken.items():
        click.echo(f"  {name:<18} cannot be loaded: {reason}", err=True)


def _prepared_facts(prepared: PreparedDataset) -> dict[str, Any]:
    store, view = prepared.store, prepared.view
    return {
        "name": view.name, "title": view.title, "classes": list(view.classes), "channels": store.channels,
        "crop": view.crop, "train_images": len(view.train), "evaluation_images": len(view.evaluation),
        "bytes": store.path.stat().st_size, "file": str(store.path), "fingerprint": store.fingerprint,
        "note": view.note,
    }  # fmt: skip


def _recipe_facts(recipe: type[DatasetRecipe]) -> dict[str, Any]:
    facts = ("name", "title", "citation", "licence", "how_to_get", "version")
    return {name: getattr(recipe, name) for name in facts}


def _method_facts(method: type[Method]) -> dict[str, Any]:
    return {
        "name": method.name, "title": method.title, "citation": method.citation, "version": method.version,
        "trains": method.is_iterative, "parameters": method.parameters_type().model_dump(mode="json"),
        "presets": method.presets, "budgets": method.budgets,
    }  # fmt: skip


def _show_obtainable(recipes: Sequence[type[DatasetRecipe]], data: Path) -> None:
    click.echo("\nData sets that can be prepared:")
    for recipe in recipes:
        lines = [recipe.title, recipe.how_to_get, f"licence: {recipe.licence}", *_missing(recipe, data)]
        click.echo(f"  {recipe.name:<18} " + f"\n{'':<21}".join(lines))


def _missing(recipe: type[DatasetRecipe], data: Path) -> list[str]:
    """Return a line with the archives that are missing in the folder of downloads, if any."""
    from infoseg_bench.preparation.download import missing
    from infoseg_bench.preparation.preparation import downloads
    from infoseg_bench.utils.text import readable_size

    folder = downloads(data)
    absent = missing(recipe.sources, folder)
    sizes = ("" if source.size is None else f" ({readable_size(source.size)})" for source in absent)
    names = ", ".join(source.name + size for source, size in zip(absent, sizes, strict=True))
    return [f"not in {folder}: {names}"] if absent else []


def _show_summary(attributes: dict[str, Any]) -> None:
    """Show the summary, fingerprint and warnings that `prepare` printed at its end."""
    for name, line in json.loads(attributes.get("summary", "{}")).items():
        click.echo(f"{'':<21}{name}: {line}")
    click.echo(f"{'':<21}fingerprint: {attributes['fingerprint']}")
    for line in json.loads(attributes.get("warnings", "[]")):
        click.echo(f"{'':<21}warning: {line}")


def _show_prepared(data: Path, found: Mapping[str, PreparedDataset], problems: Sequence[str]) -> None:
    click.echo(f"Prepared in {data}:" if found else f"Nothing is prepared in {data}.")
    for name, prepared in found.items():
        store, view = prepared.store, prepared.view
        size = store.path.stat().st_size / 2**20
        kind = "classes" if len(view.evaluation) else "clusters"
        click.echo(
            f"  {name:<18} {len(view.classes)} {kind}, {len(view.train)} photos to train on, "
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
    for dataset, values in method.budgets.items():
        click.echo(
            f"  on {dataset}: {values['steps']} steps, evaluated every {values['evaluate_every']}, by default"
        )
