"""infoseg-bench: data sets, methods and reproducible scores for unsupervised semantic segmentation."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from infoseg_bench._renamed import install

if TYPE_CHECKING:
    from infoseg_bench.api.available import list_datasets, list_methods, list_recipes
    from infoseg_bench.api.external import evaluate, write_images
    from infoseg_bench.api.methods import confusion_matrix, fit, get_method, load_store, predict, score
    from infoseg_bench.api.models import export, get_model, segment_photos
    from infoseg_bench.api.preparing import prepare
    from infoseg_bench.api.probing import probe
    from infoseg_bench.api.results import compare, pack, report, status, verify
    from infoseg_bench.api.running import run
    from infoseg_bench.inference.weights import load_model
    from infoseg_bench.launchers.engine_choice import Engine
    from infoseg_bench.records.results_table import load_results

_PLACES = {
    "Engine": "launchers.engine_choice",
    "compare": "api.results",
    "confusion_matrix": "api.methods",
    "evaluate": "api.external",
    "export": "api.models",
    "fit": "api.methods",
    "get_method": "api.methods",
    "get_model": "api.models",
    "list_datasets": "api.available",
    "list_methods": "api.available",
    "list_recipes": "api.available",
    "load_model": "inference.weights",
    "load_results": "records.results_table",
    "load_store": "api.methods",
    "pack": "api.results",
    "predict": "api.methods",
    "prepare": "api.preparing",
    "probe": "api.probing",
    "report": "api.results",
    "run": "api.running",
    "score": "api.methods",
    "segment_photos": "api.models",
    "status": "api.results",
    "verify": "api.results",
    "write_images": "api.external",
}

__all__ = [
    "Engine",
    "compare",
    "confusion_matrix",
    "evaluate",
    "export",
    "fit",
    "get_method",
    "get_model",
    "list_datasets",
    "list_methods",
    "list_recipes",
    "load_model",
    "load_results",
    "load_store",
    "pack",
    "predict",
    "prepare",
    "probe",
    "report",
    "run",
    "score",
    "segment_photos",
    "status",
    "verify",
    "write_images",
]

install()


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])


def __getattr__(name: str) -> Any:
    # Imported on demand, because the command line's help should not wait for torch and pandas.
    if name == "__version__":
        from importlib.metadata import version

        return version("infoseg-bench")
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
