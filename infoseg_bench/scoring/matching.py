"""Matchings, which say which class each cluster stands for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Int64

UNMATCHED = -1
"""Used in place of a class index for a cluster that stands for no class, so that all its pixels are wrong."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Matching:
    """Which class each cluster stands for.

    Attributes:
        kind: "one-to-one" (the headline) or "majority" (many-to-one, and always reported as such)
        classes: class index of each cluster, or UNMATCHED
    """

    kind: Literal["one-to-one", "majority"]
    classes: Int64[np.ndarray, " cluster"]

    def histogram(self, counts: Int64[np.ndarray, "cluster cls"]) -> Int64[np.ndarray, "cls+1 cls"]:
        """Add up the counts of clusters that stand for the same class.

        Args:
            counts: number of pixels per cluster and class, of the whole set, of one image or of any other
                part

        Returns:
            number of pixels, with one row per predicted class and a last one for unmatched clusters, so that
            the sum over rows is still the number of pixels of each class

        Raises:
            ValueError: the matching has another number of clusters, or more classes
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
    """Match every cluster to at most one class and vice versa, for the most correct pixels.

    This is the protocol of IIC (utils/cluster/eval_metrics.py:29-54) and of the InfoSeg paper (5.2), for any
    numbers of clusters and classes: min(K, C) pairs are formed, and further clusters are UNMATCHED. Among
    equally good matchings, the choice does not depend on how clusters are numbered.

    Args:
        counts: number of pixels per cluster and class; exact as long as their sum is below 2^53
    """
    # Its import takes longer than that of all else in a command such as `status`.
    from scipy.optimize import linear_sum_assignment

    # The solver breaks ties by position, so the rows are put into an order that depends on their content.
    order = np.lexsort(counts.T[::-1])
    rows, columns = linear_sum_assignment(counts[order], maximize=True)
    classes = np.full(len(counts), UNMATCHED, dtype=np.int64)
    classes[order[rows]] = columns
    return Matching(kind="one-to-one", classes=classes)


def majority(counts: Int64[np.ndarray, "cluster cls"]) -> Matching:
    """Match every cluster to its most frequent class; several clusters may have the same one.

    This is the "orig" mapping of IIC (utils/cluster/eval_metrics.py:9-26). Its scores grow with the number of
    clusters, so they are never shown in a column with one-to-one scores. Chosen by this project: among
    equally frequent classes the first is taken, and a cluster without pixels is UNMATCHED.

    Args:
        counts: number of pixels per cluster and class
    """
    frequent = counts.argmax(axis=1).astype(np.int64)
    classes = np.where(counts.any(axis=1), frequent, np.int64(UNMATCHED))
    return Matching(kind="majority", classes=classes)
