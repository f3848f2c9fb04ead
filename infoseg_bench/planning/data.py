"""The prepared data sets that a suite needs; embedded ones are prepared on the way."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from infoseg_bench.errors import UsageError, unknown_name
from infoseg_bench.planning.selection import Selection, chosen_suite

if TYPE_CHECKING:
    from infoseg_bench.contracts.registry import Registry
    from infoseg_bench.data.catalogue import PreparedDataset
    from infoseg_bench.planning.suite import Suite
    from infoseg_bench.records.spec import RunSpec


DEMO = "infoseg-bench run --all --suite demo"


def suite_and_data(
    selection: Selection, registry: Registry, data: Path, plugins: Sequence[Path]
) -> tuple[Suite, dict[str, PreparedDataset]]:
    """Return the suite and its data sets, preparing embedded ones that are missing.

    Raises:
        UsageError: unknown names, nothing prepared
    """
    from infoseg_bench.contracts.registry import load_recipes
    from infoseg_bench.data.catalogue import prepared_datasets

    prepared, problems = prepared_datasets(data)
    for line in problems:
        click.echo(f"left out: {line}", err=True)
    recipes = load_recipes(plugins)
    wants_prepared = selection.everything and not selection.suite and not selection.datasets
    if wants_prepared and not prepared:
        selection = _offer_demo(selection, recipes, data)
    suite = chosen_suite(selection, sorted(prepared), registry, obtainable=recipes.recipes)
    for name in suite.datasets:
        if name not in prepared:
            _prepare_embedded(name, suite, recipes, data, known=prepared)
            prepared, _ = prepared_datasets(data)
    return suite, prepared


def largest_store(specs: Sequence[RunSpec], datasets: dict[str, PreparedDataset]) -> int:
    """Return the bytes of the largest store that the runs read."""
    files = {datasets[spec.dataset].store.path for spec in specs}
    return max((file.stat().st_size for file in files), default=0)


def _offer_demo(selection: Selection, recipes: Registry, data: Path) -> Selection:
    click.echo(f"No data set is prepared in {data}. These can be:\n")
    for name, recipe in sorted(recipes.recipes.items()):
        click.echo(f"  {name:<18} {recipe.how_to_get}")
    click.echo(f"\nThe demo needs nothing:  {DEMO}\n")
    if sys.stdin.isatty() and click.confirm("Run the demo now?", default=True):
        return replace(selection, suite="demo")
    raise UsageError(f"nothing is prepared in {data}: prepare a data set, or run the demo with {DEMO}")


def _prepare_embedded(
    name: str, suite: Suite, recipes: Registry, data: Path, known: dict[str, PreparedDataset]
) -> None:
    from infoseg_bench.utils.progress import show_progress

    recipe = recipes.recipes.get(name)
    if recipe is None:
        raise unknown_name("data set", name, {*known, *recipes.recipes}, "infoseg-bench list shows every one")
    if not recipe.embedded:
        raise UsageError(f"data set {name!r} is not prepared in {data}: {recipe.how_to_get}")
    options = recipe.options_type.parse(suite.prepare.get(name, {}), f"prepare {name}")
    recipe().prepare(options, data, show_progress)
