"""Prediction of all evaluation images: cluster maps, or counts of clusters and classes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from infoseg_bench.contracts import Method
from infoseg_bench.data.evaluation_set import EvaluationSet
from infoseg_bench.data.view import VOID
from infoseg_bench.scoring.counts import confusion_counts

EVALUATION_BATCH = 32
"""Images per batch; chosen by this project. A prediction does not depend on the other images of its batch."""


class Interrupted(Exception):
    """Raised when the run has been asked to stop."""


@torch.no_grad()
def segment(
    method: Method, images: EvaluationSet, *, should_stop: Callable[[], bool]
) -> UInt8[np.ndarray, "image height width"]:
    """Return the cluster maps of all evaluation images; VOID in padding.

    Raises:
        Interrupted: `should_stop` returned True
    """
    maps = []
    for batch, labels in _batches(images, should_stop):
        clusters = method.predict(batch).to(torch.uint8)
        maps.append(clusters.masked_fill(labels == VOID, VOID).cpu())
    return torch.cat(maps).numpy()


@torch.no_grad()
def count(
    method: Method, images: EvaluationSet, *, n_classes: int, should_stop: Callable[[], bool]
) -> Int64[np.ndarray, "image cluster cls"]:
    """Predict all evaluation images and return their pixels per cluster and class.

    Raises:
        Interrupted: `should_stop` returned True
    """
    counts = []
    for batch, labels in _batches(images, should_stop):
        clusters = method.predict(batch)
        of_batch = confusion_counts(clusters, labels, n_clusters=method.task.clusters, n_classes=n_classes)
        counts.append(of_batch.cpu())
    # A copy, because `numpy()` would keep the tensor alive.
    return torch.cat(counts).numpy().copy()


def _batches(images: EvaluationSet, should_stop: Callable[[], bool]) -> Iterator[tuple[Tensor, Tensor]]:
    for batch in images.batches(EVALUATION_BATCH):
        if should_stop():
            raise Interrupted
        yield batch
