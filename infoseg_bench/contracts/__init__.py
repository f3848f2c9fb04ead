"""The interfaces of methods and data set recipes, through which the harness uses them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infoseg_bench.contracts.method import Method, Progress, RunContext, Task
    from infoseg_bench.contracts.parameters import Parameters, parameter
    from infoseg_bench.contracts.photo_map import PhotoMap
    from infoseg_bench.contracts.recipe import DatasetRecipe, Expected, Prepared, SourceFile

_MODULES = {
    "DatasetRecipe": "recipe",
    "Expected": "recipe",
    "Method": "method",
    "Parameters": "parameters",
    "PhotoMap": "photo_map",
    "Prepared": "recipe",
    "Progress": "method",
    "RunContext": "method",
    "SourceFile": "recipe",
    "Task": "method",
    "parameter": "parameters",
}

__all__ = [
    "DatasetRecipe",
    "Expected",
    "Method",
    "Parameters",
    "PhotoMap",
    "Prepared",
    "Progress",
    "RunContext",
    "SourceFile",
    "Task",
    "parameter",
]


def __getattr__(name: str) -> Any:
    # Methods need torch but recipes do not, and `prepare --help` should not wait for it.
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
