"""The data sets of a suite: prepared ones, embedded ones, and those of which only the size is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from infoseg_bench.contracts import DatasetRecipe
from infoseg_bench.contracts.registry import Registry
from infoseg_bench.data.catalogue import PreparedDataset, all_prepared, find_prepared, refuse_unusable
from infoseg_bench.errors import UsageError, unknown_name
from infoseg_bench.planning.outline import Outline
from infoseg_bench.planning.selection import Selection, chosen_suite
from infoseg_bench.planning.suite import Suite
from infoseg_bench.utils.progress import ProgressFactory

DEMO = "infoseg-bench run --all --suite demo"


@dataclass(frozen=True)
class SuiteData:
    """A suite and the outlines of its data sets.

    Attributes:
        suite: the suite
        outlines: outline of each data set by name
    """

    suite: Suite
    outlines: Mapping[str, Outline]

    @property
    def needs(self) -> dict[str, str]:
        """How to prepare each data set that is not prepared, by name."""
        return {name: outline.needs for name, outline in self.outlines.items() if outline.needs}

    @property
    def largest_store(self) -> int:
        """Size in bytes of the largest store that the runs read."""
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
    """Return the chosen suite and its data sets.

    Args:
        selection: the user's choices
        registry: the methods
        recipes: the data sets
        prepared: the prepared data sets by name
        data: the folder of the prepared data sets
        progress: prepare missing embedded data sets and show the progress; None: prepare nothing, and use
            the expected size of data sets that are not prepared

    Raises:
        UsageError: unknown names, or a data set that is not prepared
        UserError: the store of a data set cannot be read
    """
    if selection.everything and not (selection.suite or selection.datasets or prepared):
        for name in all_prepared(data)[0]:
            refuse_unusable(data, name)
        raise UsageError(
            f"there are no prepared data sets in {data}: prepare one (infoseg-bench list shows how), or run "
            f"the demo, which needs none: {DEMO}"
        )
    _refuse_unusable(selection.datasets, recipes, prepared, data)
    suite = chosen_suite(selection, sorted(prepared), registry, obtainable=recipes.recipes)
    _refuse_unusable(suite.datasets, recipes, prepared, data)
    outlines = {}
    for name in suite.datasets:
        found = prepared.get(name) or _prepare_embedded(name, suite, recipes, data, progress)
        outlines[name] = Outline.of_store(found) if found else _expected(name, suite, recipes, prepared)
        if outlines[name].needs and progress is not None:
            raise UsageError(f"data set {name!r} is not prepared in {data}: {outlines[name].needs}")
    return SuiteData(suite, outlines)


def outdated(prepared: Iterable[PreparedDataset], recipes: Registry) -> list[str]:
    """Return a line for every store that another version of its recipe has made."""
    lines = {}
    for one in prepared:
        attributes, path = one.store.attributes, one.store.path
        recipe = recipes.recipes.get(attributes.get("recipe", ""))
        version = int(attributes.get("recipe_version", 0))
        if recipe is not None and version not in (0, recipe.version):
            lines[path] = (
                f"{path}: made by version {version} of {recipe.name}, and this is version {recipe.version}: "
                f"infoseg-bench prepare {recipe.name} makes it anew; until then, figures are of other photos"
            )
    return list(lines.values())


def _refuse_unusable(
    names: Iterable[str], recipes: Registry, prepared: Mapping[str, PreparedDataset], data: Path
) -> None:
    """Raise the error of a store that exists but cannot be read, unless it will be prepared again."""
    for name in names:
        recipe = recipes.recipes.get(name)
        if name not in prepared and (recipe is None or not recipe.embedded):
            refuse_unusable(data, name)


def _prepare_embedded(
    name: str, suite: Suite, recipes: Registry, data: Path, progress: ProgressFactory | None
) -> PreparedDataset | None:
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
        raise unknown_name("data set", name, known, "infoseg-bench list shows all")
    outline = Outline.of_recipe(recipe, suite.prepare.get(name, {}))
    if outline is None:
        raise UsageError(f"data set {name!r} is not prepared, so its size is unknown: {recipe.how_to_get}")
    return outline
