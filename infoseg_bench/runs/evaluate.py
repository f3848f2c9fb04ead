"""The harness's side of a run: from a method's clusters to counts and scores."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
import torch
from jaxtyping import Int64

from infoseg_bench.contracts import Method
from infoseg_bench.data.evaluation_set import EvaluationSet
from infoseg_bench.runs.record import Evaluation, MatchedScores
from infoseg_bench.scoring.agreement import adjusted_rand_index, normalized_mutual_information
from infoseg_bench.scoring.counts import confusion_counts
from infoseg_bench.scoring.matching import Matching, majority, one_to_one
from infoseg_bench.scoring.scores import score

EVALUATION_BATCH = 32
"""Images predicted at a time; no method's prediction of an image depends on the others."""

Selection = Literal["last", "best (chosen with labels)"]


class Interrupted(Exception):
    """The run was asked to stop."""


@torch.no_grad()
def count(
    method: Method, images: EvaluationSet, *, n_classes: int, should_stop: Callable[[], bool]
) -> Int64[np.ndarray, "image cluster cls"]:
    """Predict every evaluation image and count its pixels.

    Raises:
        Interrupted: `should_stop` became true on the way
    """
    counts = []
    for batch, labels in images.batches(EVALUATION_BATCH):
        if should_stop():
            raise Interrupted
        clusters = method.predict(batch)
        of_batch = confusion_counts(clusters, labels, n_clusters=method.task.clusters, n_classes=n_classes)
        counts.append(of_batch.cpu())
    return torch.cat(counts).numpy()


def pixel_accuracy(counts: Int64[np.ndarray, "image cluster cls"]) -> float:
    """Give the headline score of a set: one matching for all images."""
    total = counts.sum(axis=0)
    return score(total, one_to_one(total)).pixel_accuracy


def evaluation(
    counts: Int64[np.ndarray, "image cluster cls"], *, step: int, selection: Selection
) -> Evaluation:
    """Compute every score of a record from its counts, and from nothing else."""
    total = counts.sum(axis=0)
    return Evaluation(
        step=step,
        selection=selection,
        one_to_one=_matched(total, one_to_one(total)),
        majority=_matched(total, majority(total)),
        normalized_mutual_information=normalized_mutual_information(total),
        adjusted_rand_index=adjusted_rand_index(total),
    )


def _matched(total: Int64[np.ndarray, "cluster cls"], matching: Matching) -> MatchedScores:
    scores = score(total, matching)
    return MatchedScores(
        pixel_accuracy=scores.pixel_accuracy,
        mean_iou=scores.mean_iou,
        mean_class_accuracy=scores.mean_class_accuracy,
        iou=[None if math.isnan(value) else value for value in scores.iou],
        class_accuracy=[None if math.isnan(value) else value for value in scores.class_accuracy],
        matching=matching.classes.tolist(),
    )
