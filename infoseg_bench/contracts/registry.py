"""Methods and data set recipes by name: shipped ones, those of other packages, and those in single files."""

from __future__ import annotations

import importlib.util
import inspect
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from infoseg_bench.errors import UsageError, UserError, unknown_name

if TYPE_CHECKING:
    from infoseg_bench.contracts import DatasetRecipe, Method

METHODS = "infoseg_bench.methods"
DATASETS = "infoseg_bench.datasets"
PLUGIN_MODULE = "infoseg_bench_plugin_"
"""Prefix of the modules of methods and recipes in single files."""
NAME = r"[a-z0-9]+(-[a-z0-9]+)*"
"""Names of methods and recipes, which are parts of the names of folders."""


@dataclass
class Registry:
    """All methods and recipes, and the plug-ins that could not be loaded.

    Attributes:
        methods: methods by name
        recipes: data set recipes by name
        broken: the error of each plug-in that cannot be loaded, by its name; the others remain usable
    """

    methods: dict[str, type[Method]] = field(default_factory=dict)
    recipes: dict[str, type[DatasetRecipe]] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)

    def method(self, name: str) -> type[Method]:
        """Return a method.

        Raises:
            UsageError: the method is unknown or cannot be loaded
        """
        method: type[Method] = _get("method", name, self.methods, self.broken)
        return method

    def recipe(self, name: str) -> type[DatasetRecipe]:
        """Return a recipe.

        Raises:
            UsageError: the recipe is unknown or cannot be loaded
        """
        recipe: type[DatasetRecipe] = _get("data set recipe", name, self.recipes, self.broken)
        return recipe


def load_methods(plugins: Sequence[Path] = ()) -> Registry:
    """Return a registry with all methods, including those in the files `plugins`."""
    from infoseg_bench.contracts import Method

    registry = Registry()
    _load_entry_points(METHODS, Method, registry.methods, registry.broken)
    _load_files(plugins, Method, registry.methods, registry.broken)
    return registry


def load_recipes(plugins: Sequence[Path] = ()) -> Registry:
    """Return a registry with all data set recipes, including those in the files `plugins`."""
    from infoseg_bench.contracts import DatasetRecipe

    registry = Registry()
    _load_entry_points(DATASETS, DatasetRecipe, registry.recipes, registry.broken)
    _load_files(plugins, DatasetRecipe, registry.recipes, registry.broken)
    return registry


def find_methods(name: str, plugins: Sequence[Path] = ()) -> list[type[Method]]:
    """Return the method with a name, or the methods in a Python file.

    Raises:
        UsageError: an unknown method, or a file without one
        UserError: the file cannot be loaded
    """
    if not name.endswith(".py"):
        return [load_methods(plugins).method(name)]
    known, registry = load_methods(plugins).methods, load_methods([*plugins, Path(name)])
    if (broken := registry.broken.get(str(Path(name)))) is not None:
        raise UserError(f"{name}: cannot be loaded: {broken}")
    found = [cls for key, cls in registry.methods.items() if key not in known]
    if not found:
        raise UsageError(f"{name}: no method in this file: infoseg-bench new method NAME writes one")
    return found


def _load_entry_points(group: str, base: type, known: dict[str, Any], broken: dict[str, str]) -> None:
    for point in entry_points(group=group):
        # Plug-ins can raise any exception, which is recorded; the others are still loaded.
        try:
            loaded = point.load()
            if not (inspect.isclass(loaded) and issubclass(loaded, base)):
                raise TypeError(f"{point.value} is not a {base.__name__}")
            known[point.name] = loaded
        except Exception as error:
            broken[point.name] = f"{type(error).__name__}: {error}"


def _load_files(plugins: Sequence[Path], base: type, known: dict[str, Any], broken: dict[str, str]) -> None:
    for path in plugins:
        if not path.is_file():
            raise UsageError(f"--plugin {path}: no such file: check the path")
        if path.suffix != ".py":
            raise UsageError(f"--plugin {path}: not a Python file: use a file that ends in .py")
        # A plug-in that calls sys.exit is treated like one that raises an exception.
        try:
            for cls in _classes(_load_module(path), base):
                if re.fullmatch(NAME, cls.name) is None:
                    raise ValueError(
                        f"{cls.name!r} is no name: use lower-case letters, digits, and single dashes"
                    )
                if cls.name in known:
                    raise ValueError(f"{cls.name} is the name of another {base.__name__}")
                known[cls.name] = cls
        except (Exception, SystemExit) as error:
            broken[str(path)] = f"{type(error).__name__}: {error}"


def _load_module(path: Path) -> ModuleType:
    name = f"{PLUGIN_MODULE}{path.stem}"
    if name in sys.modules and getattr(sys.modules[name], "__file__", None) == str(path):
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _classes(module: ModuleType, base: type) -> list[Any]:
    return [
        item
        for item in vars(module).values()
        if inspect.isclass(item)
        and issubclass(item, base)
        and item.__module__ == module.__name__
        and not inspect.isabstract(item)
        and hasattr(item, "name")
    ]


def _get(kind: str, name: str, known: dict[str, Any], broken: dict[str, str]) -> Any:
    if name in broken:
        raise UsageError(f"{kind} {name!r} cannot be loaded: {broken[name]}")
    if name not in known:
        files = [f"; {file} cannot be loaded: {why}" for file, why in broken.items() if file.endswith(".py")]
        remedy = f"infoseg-bench list shows all {kind}s; one of your own needs --plugin FILE{''.join(files)}"
        raise unknown_name(kind, name, known, remedy)
    return known[name]
