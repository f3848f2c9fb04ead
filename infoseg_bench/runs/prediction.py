"""The harness's side of a run: from a method's clusters to counts and scores."""

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
"""Images predicted at a time; no method's prediction of an image depends on the others."""


class Interrupted(Exception):
    """The run was asked to stop."""


@torch.no_grad()
def segment(
    method: Method, images: EvaluationSet, *, should_stop: Callable[[], bool]
) -> UInt8[np.ndarray, "image height width"]:
    """Predict the cluster of every pixel of every evaluation image; VOID in padding.

    Raises:
        Interrupted: `should_stop` became true on the way
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
    """Predict every evaluation image and count its pixels.

    Raises:
        Interrupted: `should_stop` became true on the way
    """
    counts = []
    for batch, labels in _batches(images, should_stop):
        clusters = method.predict(batch)
        of_batch = confusion_counts(clusters, labels, n_clusters=method.task.clusters, n_classes=n_classes)
        counts.append(of_batch.cpu())
    # A copy: the array of a tensor would keep the tensor alive.
    return torch.cat(counts).numpy().copy()


def _batches(images: EvaluationSet, should_stop: Callable[[], bool]) -> Iterator[tuple[Tensor, Tensor]]:
    for batch in images.batches(EVALUATION_BATCH):
        if should_stop():
            raise Interrupted
        yield batch
