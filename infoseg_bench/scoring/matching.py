"""Matchings: which class each cluster stands for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Int64
from scipy.optimize import linear_sum_assignment

UNMATCHED = -1
"""In place of a class: the cluster stands for none, so that all its pixels are wrong."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Matching:
    """Which class each cluster stands for.

    Attributes:
        kind: "one-to-one" (the headline) or "majority" (many-to-one, to be labelled so)
        classes: class index of each cluster, or UNMATCHED
    """

    kind: Literal["one-to-one", "majority"]
    classes: Int64[np.ndarray, " cluster"]

    def histogram(self, counts: Int64[np.ndarray, "cluster cls"]) -> Int64[np.ndarray, "cls+1 cls"]:
        """Add up the counts of the clusters that stand for the same class.

        Args:
            counts: pixels; of the whole set, of one image or of any other part

        Returns:
            pixels, one row per predicted class, then one for the unmatched clusters, so that
            the sum over rows is still the number of pixels of each class

        Raises:
            ValueError: the matching is for another number of clusters, or for more classes
        """
        n_classes = counts.shape[1]
        if len(self.classes) != len(counts) or self.classes.max(initial=UNMATCHED) >= n_classes:
            raise ValueError(
                f"the matching {self.classes.tolist()} does not fit counts of shape {counts.shape}"
            )
        histogram = np.zeros((n_classes + 1, n_classes), dtype=np.int64)
        np.add.at(histogram, np.where(self.classes == UNMATCHED, n_classes, self.classes), counts)
        return histogram


def one_to_one(counts: Int64[np.ndarray, "cluster cls"]) -> Matching:
    """Match every cluster to at most one class and the other way round, for the most correct pixels.

    The protocol of IIC (utils/cluster/eval_metrics.py:29-54) and of the InfoSeg paper (5.2), here
    for any numbers of clusters and classes: min(K, C) pairs are made, clusters beyond are UNMATCHED.
    Among equally good matchings the choice does not depend on the clusters' numbers.

    Args:
        counts: pixels; exact while their sum stays under 2^53
    """
    # The solver settles ties by position, so the rows get an order that follows from their content.
    order = np.lexsort(counts.T[::-1])
    rows, columns = linear_sum_assignment(counts[order], maximize=True)
    classes = np.full(len(counts), UNMATCHED, dtype=np.int64)
    classes[order[rows]] = columns
    return Matching(kind="one-to-one", classes=classes)


def majority(counts: Int64[np.ndarray, "cluster cls"]) -> Matching:
    """Match every cluster to its most frequent class; several may share one.

    The "orig" mapping of IIC (utils/cluster/eval_metrics.py:9-26). It grows with the number of
    clusters, so it never stands in a column with one-to-one figures. Ours: of equally frequent
    classes the first is taken, and a cluster without any pixel is UNMATCHED, as nothing says
    what it stands for.

    Args:
        counts: pixels
    """
    frequent = counts.argmax(axis=1).astype(np.int64)
    classes = np.where(counts.any(axis=1), frequent, np.int64(UNMATCHED))
    return Matching(kind="majority", classes=classes)
