"""infoseg-bench: data, methods and honest scores for unsupervised semantic segmentation."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infoseg_bench.api.methods import confusion_matrix, fit, get_method, load_store, predict, score
    from infoseg_bench.api.results import pack, report, verify
    from infoseg_bench.inference.weights import load_model
    from infoseg_bench.records.results_table import load_results

_PLACES = {
    "confusion_matrix": "api.methods",
    "fit": "api.methods",
    "get_method": "api.methods",
    "load_model": "inference.weights",
    "load_results": "records.results_table",
    "load_store": "api.methods",
    "pack": "api.results",
    "predict": "api.methods",
    "report": "api.results",
    "score": "api.methods",
    "verify": "api.results",
}

__all__ = [
    "confusion_matrix",
    "fit",
    "get_method",
    "load_model",
    "load_results",
    "load_store",
    "pack",
    "predict",
    "report",
    "score",
    "verify",
]


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])


def __getattr__(name: str) -> Any:
    # The command line imports this package too, and its help should not wait for torch and pandas.
    if name == "__version__":
        return version("infoseg-bench")
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
