"""Centres of a sample of vectors, by scikit-learn's MiniBatchKMeans."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from infoseg_bench.errors import UserError

BATCH = 100
"""Vectors of a mini-batch: default of scikit-learn 0.20, on which IIC's baselines rely."""
ITERATIONS = 100
"""Passes over the sample at most: likewise."""
STARTS = 3
"""Random starts, of which the best is kept: likewise."""


def kmeans_centres(
    sample: Float[np.ndarray, "vector dimension"],
    clusters: int,
    *,
    seed: int,
    batch: int = BATCH,
    iterations: int = ITERATIONS,
    starts: int = STARTS,
) -> Float[Tensor, "cluster dimension"]:
    """Find the centres.

    Raises:
        UserError: fewer distinct vectors than clusters
    """
    from sklearn.cluster import MiniBatchKMeans

    if not _has_distinct(sample, clusters):
        raise UserError(
            f"the sampled pixels have fewer than {clusters} distinct values for {clusters} clusters: "
            "give more or other photos, or sample more batches"
        )
    model = MiniBatchKMeans(
        clusters, batch_size=batch, max_iter=iterations, n_init=starts, random_state=seed
    ).fit(sample)
    return torch.from_numpy(model.cluster_centers_).float()


def _has_distinct(sample: np.ndarray, count: int) -> bool:
    seen = set[bytes]()
    for vector in sample:
        seen.add(vector.tobytes())
        if len(seen) >= count:
            return True
    return False
