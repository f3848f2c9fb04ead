"""The steps of the benchmark as Python functions: `from infoseg_bench import load_store, fit, ...`.

They write no records. To get a run onto the leaderboard, use `infoseg_bench.run` or `infoseg-bench run`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Int16, Int64, Integer
from torch import Tensor

from infoseg_bench.contracts import Method
from infoseg_bench.contracts.registry import load_methods
from infoseg_bench.data.catalogue import PreparedDataset, find_prepared
from infoseg_bench.data.evaluation_set import EvaluationSet
from infoseg_bench.errors import UsageError
from infoseg_bench.records.evaluation import evaluation
from infoseg_bench.records.record import Evaluation
from infoseg_bench.records.spec import Budget, Postprocess, RunSpec
from infoseg_bench.runs.assemble import train_images
from infoseg_bench.runs.loading import make_method, task_of
from infoseg_bench.runs.photo_map_files import load_photo_maps
from infoseg_bench.runs.prediction import EVALUATION_BATCH, predictor
from infoseg_bench.scoring.counts import confusion_counts
from infoseg_bench.utils.arguments import paths, whole
from infoseg_bench.utils.device import choose_device

PROTOCOL = "corrected"
LARGEST = 1 << 16
"""Clusters of a confusion matrix at most; chosen by this project: more would fill the memory."""


def load_store(name: str, data: str | Path = "data") -> PreparedDataset:
    """Return a prepared data set.

    Args:
        name: name of the data set, such as "coco-stuff-3"
        data: folder of the prepared data sets

    Raises:
        UsageError: it is not prepared in that folder
    """
    return find_prepared(Path(data), name)


def get_method(
    name: str,
    dataset: PreparedDataset,
    *,
    steps: int = 0,
    seed: int = 0,
    device: str = "auto",
    plugins: Sequence[str | Path] = (),
    **parameters: Any,
) -> Method:
    """Create a method for a data set, with initial weights that depend on the seed.

    Args:
        name: name of the method, such as "infoseg"
        dataset: a data set from `load_store`
        steps: number of training steps; not needed by methods that fit in one pass
        seed: seed of everything random
        device: "auto" or a torch device
        plugins: files with more methods
        parameters: parameters that should differ from the method's defaults

    Raises:
        UsageError: an unknown method or parameter, or `steps` is missing for a method that trains in steps
    """
    files = paths(plugins)
    cls = load_methods(files).method(name)
    steps, seed = whole("steps", steps), whole("seed", seed)
    if cls.is_iterative and steps < 1:
        raise UsageError(f"{name}: this method trains in steps: pass the number of steps as steps=...")
    spec = RunSpec(
        dataset=dataset.view.name,
        fingerprint=dataset.store.fingerprint,
        protocol=PROTOCOL,
        method=name,
        method_version=cls.version,
        parameters=cls.resolve(dataset.view.name, parameters).model_dump(mode="json"),
        budget=Budget(steps=steps, evaluate_every=steps) if cls.is_iterative else None,
        seed=seed,
    )
    return make_method(spec, task_of(dataset), device=choose_device(device), plugins=files)


def fit(method: Method, dataset: PreparedDataset, *, protocol: str = PROTOCOL) -> Method:
    """Fit a method on the training photos, and return it ready to predict.

    Args:
        method: a method from `get_method`
        dataset: a data set from `load_store`
        protocol: label protocol of the void mask, for methods that declare its use
    """
    arrays = dataset.store.arrays(labels=method.label_use(method.parameters) is not None)
    maps = load_photo_maps(method.photo_maps(method.parameters), dataset.store, arrays)
    train = train_images(arrays, dataset, method, protocol=protocol, maps=maps)
    for _ in method.fit(train):
        pass
    method.before_evaluation(train)
    return method


@torch.no_grad()
def predict(
    method: Method, dataset: PreparedDataset, *, postprocess: Postprocess = "none"
) -> Int16[np.ndarray, "image crop crop"]:
    """Return the cluster of every pixel of the scored centre crops, in the data set's order.

    Args:
        method: a method that was fitted
        dataset: a data set from `load_store`
        postprocess: "mirror" averages the method's scores over every image and its mirror image

    Raises:
        UserError: the method gives no scores
    """
    images = _evaluation(dataset, next(iter(dataset.view.tables)), method.run.device)
    segment = predictor(method, postprocess)
    batches = [segment(batch).to(torch.int16).cpu() for batch, _ in images.batches(EVALUATION_BATCH)]
    return torch.cat(batches).numpy()


def confusion_matrix(
    clusters: Integer[np.ndarray, "image crop crop"], dataset: PreparedDataset, *, protocol: str = PROTOCOL
) -> Int64[np.ndarray, "cluster cls"]:
    """Return the number of pixels per cluster and class; pixels with void labels are not counted.

    Args:
        clusters: cluster maps, from `predict` or elsewhere; numbers of 0 to 65535
        dataset: a data set from `load_store`
        protocol: label protocol

    Raises:
        ValueError: not whole numbers of 0 to 65535, or not one map of the crop's size for every scored image
        UsageError: no such protocol
    """
    images, crop = _evaluation(dataset, protocol, torch.device("cpu")), dataset.view.crop
    if not np.issubdtype(clusters.dtype, np.integer):
        raise ValueError(f"cluster maps of {clusters.dtype}: use whole numbers")
    if clusters.shape != (len(images), crop, crop):
        raise ValueError(f"cluster maps of shape {clusters.shape}, not {(len(images), crop, crop)}")
    if clusters.min(initial=0) < 0 or clusters.max(initial=0) >= LARGEST:
        raise ValueError(f"clusters {clusters.min()} to {clusters.max()}: use numbers of 0 to {LARGEST - 1}")
    n_clusters, n_classes = int(clusters.max(initial=0)) + 1, len(dataset.view.classes)
    total = torch.zeros(n_clusters, n_classes, dtype=torch.int64)
    done = 0
    for _, labels in images.batches(EVALUATION_BATCH):
        found: Tensor = torch.from_numpy(clusters[done : done + len(labels)].astype(np.int64))
        total += confusion_counts(found, labels, n_clusters=n_clusters, n_classes=n_classes).sum(dim=0)
        done += len(labels)
    return total.numpy()


def score(counts: Int64[np.ndarray, "cluster cls"]) -> Evaluation:
    """Return all scores of a confusion matrix: one-to-one, by majority vote, and without a matching.

    Args:
        counts: number of pixels per cluster and class

    Raises:
        ValueError: the matrix has no pixels, or numbers that are not counts
    """
    if not np.issubdtype(np.asarray(counts).dtype, np.integer) or np.min(counts, initial=0) < 0:
        raise ValueError("a confusion matrix holds counts of pixels: use whole numbers, not below 0")
    return evaluation(counts, step=0, selection="last")


def _evaluation(dataset: PreparedDataset, protocol: str, device: torch.device) -> EvaluationSet:
    arrays = dataset.store.arrays(labels=True)
    return EvaluationSet(arrays, dataset.view, protocol=protocol, device=device)
