"""Prediction of all evaluation images: cluster maps, or counts of clusters and classes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import get_args

import numpy as np
import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor

from infoseg_bench.contracts import Method
from infoseg_bench.data.evaluation_set import EvaluationSet
from infoseg_bench.data.view import VOID
from infoseg_bench.errors import UsageError
from infoseg_bench.records.spec import Postprocess
from infoseg_bench.scoring.counts import confusion_counts

Predict = Callable[[Tensor], Tensor]
"""Segment images with a method, with or without post-processing of its scores."""

EVALUATION_BATCH = 32
"""Images per batch; chosen by this project. A prediction does not depend on the other images of its batch."""


class Interrupted(Exception):
    """Raised when the run has been asked to stop."""


def check_postprocess(method: type[Method], postprocess: Postprocess) -> None:
    """Raise a UsageError if the method has no scores, which the post-processing needs."""
    if postprocess != "none" and not method.gives_scores():
        raise UsageError(
            f"--postprocess {postprocess}: {method.name} gives clusters without scores, which cannot be "
            "averaged: leave out the option or the method"
        )


def predictor(method: Method, postprocess: Postprocess) -> Predict:
    """Return what segments images: the method alone, or the method with post-processing of its scores.

    Raises:
        UsageError: no such post-processing
    """
    if postprocess not in get_args(Postprocess):
        raise UsageError(f"postprocess {postprocess!r}: use one of {', '.join(get_args(Postprocess))}")
    return partial(_mirrored, method) if postprocess == "mirror" else method.predict


def _mirrored(
    method: Method, images: Float[Tensor, "batch channel height width"]
) -> Int64[Tensor, "batch height width"]:
    """Return the cluster of the highest mean score over an image and its mirror image."""
    return (method.scores(images) + method.scores(images.flip(3)).flip(3)).argmax(dim=1)


@torch.no_grad()
def segment(
    predict: Predict, images: EvaluationSet, *, should_stop: Callable[[], bool]
) -> UInt8[np.ndarray, "image height width"]:
    """Return the cluster maps of all evaluation images; VOID in padding.

    Raises:
        Interrupted: `should_stop` returned True
    """
    maps = []
    for batch, labels in _batches(images, should_stop):
        clusters = predict(batch).to(torch.uint8)
        maps.append(clusters.masked_fill(labels == VOID, VOID).cpu())
    return torch.cat(maps).numpy()


@torch.no_grad()
def count(
    predict: Predict,
    images: EvaluationSet,
    *,
    n_clusters: int,
    n_classes: int,
    should_stop: Callable[[], bool],
) -> Int64[np.ndarray, "image cluster cls"]:
    """Predict all evaluation images and return their pixels per cluster and class.

    Raises:
        Interrupted: `should_stop` returned True
    """
    counts = []
    for batch, labels in _batches(images, should_stop):
        of_batch = confusion_counts(predict(batch), labels, n_clusters=n_clusters, n_classes=n_classes)
        counts.append(of_batch.cpu())
    # A copy, because `numpy()` would keep the tensor alive.
    return torch.cat(counts).numpy().copy()


def _batches(images: EvaluationSet, should_stop: Callable[[], bool]) -> Iterator[tuple[Tensor, Tensor]]:
    for batch in images.batches(EVALUATION_BATCH):
        if should_stop():
            raise Interrupted
        yield batch
