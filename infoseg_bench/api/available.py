"""Lists of data sets and methods."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from infoseg_bench.contracts import DatasetRecipe, Method
from infoseg_bench.contracts.registry import load_methods, load_recipes
from infoseg_bench.data.catalogue import PreparedDataset, prepared_datasets
from infoseg_bench.errors import unknown_name
from infoseg_bench.planning.data import outdated
from infoseg_bench.utils.arguments import paths

PathLikes = str | PathLike[str]


@dataclass(frozen=True, kw_only=True)
class Listing:
    """Data sets and methods, each ordered by name.

    Attributes:
        prepared: the prepared data sets, by name
        recipes: recipes of data sets
        methods: the methods
        problems: one line for each store that cannot be read, or that another version of its recipe has made
        broken: error messages of plug-ins that cannot be loaded, by the plug-in's name or file
    """

    prepared: dict[str, PreparedDataset]
    recipes: list[type[DatasetRecipe]]
    methods: list[type[Method]]
    problems: list[str]
    broken: dict[str, str]


def listing(
    data: Path, *, datasets: Collection[str] = (), method: str | None = None, plugins: Sequence[Path] = ()
) -> Listing:
    """Return the data sets and methods, all or those selected.

    Args:
        data: folder of the prepared data sets
        datasets: names of data sets to select; empty: all
        method: name of the only method to select; None: all
        plugins: files with more methods and recipes

    Raises:
        UsageError: an unknown name
    """
    methods, recipes = load_methods(plugins), load_recipes(plugins)
    prepared, problems = prepared_datasets(data)
    known = {*prepared, *recipes.recipes}
    if unknown := sorted(set(datasets) - known):
        raise unknown_name("data set", unknown[0], known)
    wanted = set(datasets) or known
    chosen = {name: found for name, found in sorted(prepared.items()) if name in wanted}
    return Listing(
        prepared=chosen,
        recipes=[recipe for name, recipe in sorted(recipes.recipes.items()) if name in wanted],
        methods=[methods.method(method)] if method else [cls for _, cls in sorted(methods.methods.items())],
        problems=[*problems, *outdated(chosen.values(), recipes)],
        broken={**methods.broken, **recipes.broken},
    )


def list_datasets(data: PathLikes = "data") -> dict[str, PreparedDataset]:
    """Return the prepared data sets, by name.

    Args:
        data: folder of the prepared data sets
    """
    return prepared_datasets(Path(data))[0]


def list_recipes(plugins: Sequence[PathLikes] = ()) -> dict[str, type[DatasetRecipe]]:
    """Return the recipes of data sets, by name; plug-ins that cannot be loaded are left out.

    Args:
        plugins: files with more recipes
    """
    return dict(sorted(load_recipes(paths(plugins)).recipes.items()))


def list_methods(plugins: Sequence[PathLikes] = ()) -> dict[str, type[Method]]:
    """Return the methods, by name; plug-ins that cannot be loaded are left out.

    Args:
        plugins: files with more methods
    """
    return dict(sorted(load_methods(paths(plugins)).methods.items()))
