"""Scores that need a matching: accuracies and intersections over unions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from infoseg_bench.scoring.matching import Matching


@dataclass(frozen=True, kw_only=True)
class Scores:
    """What one matching scores; every figure is a share in [0, 1].

    A class without a ground-truth pixel has nothing to be found: its own figures are NaN and the
    means leave it out (chosen by this project; PiCIE and STEGO keep such a class, at zero, if it was
    predicted).
    """

    pixel_accuracy: float
    """PA, the headline: correct pixels over all pixels, pooled over the set (IIC eval_metrics.py:57-70)."""
    mean_iou: float
    """Mean of `iou` over the classes that occur (STEGO src/utils.py:219-274)."""
    mean_class_accuracy: float
    """Mean of `class_accuracy` over the classes that occur."""
    iou: tuple[float, ...]
    """Per class: pixels rightly given the class, over pixels that have it or were given it (Jaccard)."""
    class_accuracy: tuple[float, ...]
    """Per class: pixels rightly given the class, over pixels that have it (recall)."""


def score(counts: Int64[np.ndarray, "cluster cls"], matching: Matching) -> Scores:
    """Compute every score of one matching. The pixels of unmatched clusters are wrong, never dropped.

    Args:
        counts: pixels
        matching: made from these counts, or from others with the same clusters and classes

    Raises:
        ValueError: no pixels, or a matching that does not fit
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
    """Return the PA of predicting the most frequent class everywhere, in [0, 1].

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
