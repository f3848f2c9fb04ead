"""Agreement of clusters and classes without any matching: NMI and ARI."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64, Int64

from infoseg_bench.scoring.scores import total_pixels

LARGEST_SQUARED = 3_000_000_000
"""Pixels up to which the sum of squared counts fits into 63 bits: it is at most the square of their sum."""


def normalized_mutual_information(counts: Int64[np.ndarray, "cluster cls"]) -> float:
    """Compute 2 I(cluster; class) / (H(cluster) + H(class)), in [0, 1].

    The arithmetic normalisation of Vinh, Epps and Bailey (JMLR 2010, table 2), the default of
    scikit-learn. As there, a single cluster and a single class give 1.

    Args:
        counts: number of pixels per cluster and class

    Raises:
        ValueError: no pixels
    """
    joint = counts / total_pixels(counts)
    clusters, classes = joint.sum(axis=1), joint.sum(axis=0)
    entropies = _entropy(clusters) + _entropy(classes)
    if entropies == 0:
        return 1.0
    information = entropies - _entropy(joint.ravel())
    # Rounding can push independent or identical partitions slightly out of bounds.
    return min(max(2 * information / entropies, 0.0), 1.0)


def adjusted_rand_index(counts: Int64[np.ndarray, "cluster cls"]) -> float:
    """Compute the Rand index over all pairs of pixels, adjusted for chance, in [-0.5, 1].

    Hubert and Arabie (Journal of Classification 1985, equation 5), in the form of four counts of
    ordered pairs that scikit-learn uses. Python integers are used, because the products exceed 2^63 for more
    than a few hundred thousand pixels.

    Args:
        counts: number of pixels per cluster and class

    Raises:
        ValueError: no pixels
    """
    total = total_pixels(counts)
    same_both = _squares(counts)
    same_cluster, same_class = _squares(counts.sum(axis=1)), _squares(counts.sum(axis=0))
    together = same_both - total
    only_cluster, only_class = same_cluster - same_both, same_class - same_both
    apart = total * total - same_cluster - same_class + same_both
    if only_cluster == only_class == 0:
        return 1.0
    chance = (together + only_cluster) * (only_cluster + apart)
    chance += (together + only_class) * (only_class + apart)
    return 2 * (together * apart - only_cluster * only_class) / chance


def _entropy(shares: Float64[np.ndarray, " part"]) -> float:
    filled = shares[shares > 0]
    return -float((filled * np.log(filled)).sum())


def _squares(counts: Int64[np.ndarray, "*shape"]) -> int:
    flat = counts.ravel()
    if int(flat.sum()) < LARGEST_SQUARED:
        return int(flat @ flat)
    return sum(value * value for value in flat.tolist())
