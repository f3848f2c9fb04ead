"""infoseg-bench: data, methods and honest scores for unsupervised semantic segmentation."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infoseg_bench.api import confusion_matrix, fit, get_method, load_store, predict, score
    from infoseg_bench.inference.weights import load_model

_PLACES = {
    "confusion_matrix": "infoseg_bench.api",
    "fit": "infoseg_bench.api",
    "get_method": "infoseg_bench.api",
    "load_store": "infoseg_bench.api",
    "predict": "infoseg_bench.api",
    "score": "infoseg_bench.api",
    "load_model": "infoseg_bench.inference.weights",
}

__all__ = ["confusion_matrix", "fit", "get_method", "load_model", "load_store", "predict", "score"]


def __getattr__(name: str) -> Any:
    # The command line imports this package too, and its help should not wait for torch.
    if name == "__version__":
        return version("infoseg-bench")
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)
