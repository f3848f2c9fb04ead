"""STEGO's evaluator, which drops pixels of extra clusters instead of scoring them as wrong.

Its mask keeps pixels whose class and whose cluster are both below the number of classes (src/utils.py:223):
with 27 classes, only clusters 0 to 26 are counted. Unlabelled pixels are left out, as in this project.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Int64

from infoseg_bench.scoring.matching import one_to_one
from infoseg_bench.scoring.scores import score


class AsInStego(NamedTuple):
    """What STEGO's evaluator makes of counts.

    Attributes:
        pixel_accuracy: PA of the pixels that it keeps, in [0, 1]
        dropped: share of the labelled pixels that it drops, in [0, 1]
    """

    pixel_accuracy: float
    dropped: float


def kept_clusters(counts: Int64[np.ndarray, "*image cluster cls"]) -> Int64[np.ndarray, "*image kept cls"]:
    """Return the counts of the clusters that STEGO's evaluator keeps.

    Args:
        counts: number of pixels per cluster and class; the first rows are those of the clusters whose numbers
            are below the number of classes, and all others are extra clusters
    """
    return counts[..., : counts.shape[-1], :]


def as_in_stego(counts: Int64[np.ndarray, "cluster cls"]) -> AsInStego | None:
    """Return the score of STEGO's evaluator; None if it drops no pixel, or all of them.

    Args:
        counts: as for `kept_clusters`
    """
    kept = kept_clusters(counts)
    dropped = 1 - int(kept.sum()) / max(int(counts.sum()), 1)
    if dropped == 0 or not kept.any():
        return None
    return AsInStego(pixel_accuracy=score(kept, one_to_one(kept)).pixel_accuracy, dropped=dropped)
