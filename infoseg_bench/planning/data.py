"""The data sets that a suite needs: prepared ones, embedded ones, and those known by their size alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from infoseg_bench.errors import UsageError, unknown_name
from infoseg_bench.planning.outline import Outline
from infoseg_bench.planning.selection import Selection, chosen_suite

if TYPE_CHECKING:
    from infoseg_bench.contracts import DatasetRecipe
    from infoseg_bench.contracts.registry import Registry
    from infoseg_bench.data.catalogue import PreparedDataset
    from infoseg_bench.planning.suite import Suite
    from infoseg_bench.utils.progress import ProgressFactory

DEMO = "infoseg-bench run --all --suite demo"


@dataclass(frozen=True)
class SuiteData:
    """A suite with what is known of its data sets.

    Attributes:
        suite: what is to be run
        outlines: data set name to its outline
    """

    suite: Suite
    outlines: Mapping[str, Outline]

    @property
    def needs(self) -> dict[str, str]:
        """Data sets that are not prepared, with how each is prepared."""
        return {name: outline.needs for name, outline in self.outlines.items() if outline.needs}

    @property
    def largest_store(self) -> int:
        """Bytes of the largest store that the runs read."""
        return max((outline.store_bytes for outline in self.outlines.values()), default=0)


def suite_and_data(
    selection: Selection,
    registry: Registry,
    recipes: Registry,
    prepared: Mapping[str, PreparedDataset],
    data: Path,
    *,
    progress: ProgressFactory | None,
) -> SuiteData:
    """Return the suite and its data sets.

    Args:
        selection: what was asked for
        registry: of the methods
        recipes: of the data sets
        prepared: the data sets that are prepared
        data: their folder
        progress: of preparing embedded data sets that are missing; None: nothing is prepared, and data
            sets that are not are known by their expected size

    Raises:
        UsageError: unknown names, or a data set that is not prepared
    """
    if selection.everything and not (selection.suite or selection.datasets or prepared):
        raise UsageError(
            f"nothing is prepared in {data}: prepare a data set (infoseg-bench list shows how), or run the "
            f"demo, which needs none: {DEMO}"
        )
    _refuse_damaged(selection.datasets, recipes, prepared, data)
    suite = chosen_suite(selection, sorted(prepared), registry, obtainable=recipes.recipes)
    _refuse_damaged(suite.datasets, recipes, prepared, data)
    outlines = {}
    for name in suite.datasets:
        found = prepared.get(name) or _prepare_embedded(name, suite, recipes, data, progress)
        outlines[name] = Outline.of_store(found) if found else _expected(name, suite, recipes, prepared)
        if outlines[name].needs and progress is not None:
            raise UsageError(f"data set {name!r} is not prepared in {data}: {outlines[name].needs}")
    return SuiteData(suite, outlines)


def _refuse_damaged(
    names: Iterable[str], recipes: Registry, prepared: Mapping[str, PreparedDataset], data: Path
) -> None:
    """Raise what is wrong with a store that is there but cannot be read, unless it is made anew unasked."""
    from infoseg_bench.data.catalogue import refuse_damaged

    for name in names:
        recipe = recipes.recipes.get(name)
        if name not in prepared and (recipe is None or not recipe.embedded):
            refuse_damaged(data, name)


def _prepare_embedded(
    name: str, suite: Suite, recipes: Registry, data: Path, progress: ProgressFactory | None
) -> PreparedDataset | None:
    from infoseg_bench.data.catalogue import find_prepared

    recipe = recipes.recipes.get(name)
    if progress is None or recipe is None or not recipe.embedded:
        return None
    options = recipe.options_type.parse(suite.prepare.get(name, {}), f"prepare {name}")
    recipe().prepare(options, data, progress)
    return find_prepared(data, name)


def _expected(name: str, suite: Suite, recipes: Registry, prepared: Mapping[str, PreparedDataset]) -> Outline:
    recipe: type[DatasetRecipe] | None = recipes.recipes.get(name)
    if recipe is None:
        known = {*prepared, *recipes.recipes}
        raise unknown_name("data set", name, known, "infoseg-bench list shows every one")
    outline = Outline.of_recipe(recipe, suite.prepare.get(name, {}))
    if outline is None:
        raise UsageError(f"data set {name!r} is not prepared, so its size is unknown: {recipe.how_to_get}")
    return outline
