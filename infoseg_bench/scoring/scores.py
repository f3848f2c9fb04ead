"""Scores that need a matching: accuracies and intersections over unions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from infoseg_bench.scoring.matching import Matching


@dataclass(frozen=True, kw_only=True)
class Scores:
    """The scores of one matching; all are fractions in [0, 1].

    For a class without ground-truth pixels, scores are NaN, and the means leave it out (chosen by this
    project; PiCIE and STEGO count such a class as zero if it was predicted).
    """

    pixel_accuracy: float
    """Pixel accuracy (PA), the headline: correct pixels over all pixels (IIC eval_metrics.py:57-70)."""
    mean_iou: float
    """Mean of `iou` over the classes that occur (STEGO src/utils.py:219-274)."""
    mean_class_accuracy: float
    """Mean of `class_accuracy` over the classes that occur."""
    iou: tuple[float, ...]
    """Per class: correctly predicted pixels over the union of labelled and predicted ones (Jaccard)."""
    class_accuracy: tuple[float, ...]
    """Per class: correctly predicted pixels over labelled pixels (recall)."""


def score(counts: Int64[np.ndarray, "cluster cls"], matching: Matching) -> Scores:
    """Compute all scores of one matching. Pixels of unmatched clusters are wrong; they are never dropped.

    Args:
        counts: number of pixels per cluster and class
        matching: made from these counts, or from others with the same clusters and classes

    Raises:
        ValueError: there are no pixels, or the matching has other sizes
    """
    total = total_pixels(counts)
    histogram = matching.histogram(counts)
    correct = histogram.diagonal()
    truth = histogram.sum(axis=0)
    predicted = histogram[:-1].sum(axis=1)
    occurs = truth > 0
    iou = np.where(occurs, correct / np.maximum(truth + predicted - correct, 1), np.nan)
    recall = np.where(occurs, correct / np.maximum(truth, 1), np.nan)
    return Scores(
        pixel_accuracy=int(correct.sum()) / total,
        mean_iou=float(iou[occurs].mean()),
        mean_class_accuracy=float(recall[occurs].mean()),
        iou=tuple(iou.tolist()),
        class_accuracy=tuple(recall.tolist()),
    )


def constant_accuracy(counts: Int64[np.ndarray, "cluster cls"]) -> float:
    """Return the pixel accuracy of predicting the most frequent class everywhere, in [0, 1].

    Raises:
        ValueError: no pixels
    """
    return int(counts.sum(axis=0).max(initial=0)) / total_pixels(counts)


def total_pixels(counts: Int64[np.ndarray, "cluster cls"]) -> int:
    """Return the number of counted pixels.

    Raises:
        ValueError: there are none, so that no score is defined
    """
    total = int(counts.sum())
    if total == 0:
        raise ValueError("no pixels were counted, so there is nothing to score: every label is void")
    return total
