"""K-means centres of a sample of vectors, by scikit-learn's MiniBatchKMeans."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from infoseg_bench.errors import UserError

BATCH = 100
"""Vectors per mini-batch: the default of scikit-learn 0.20, which IIC's baselines use."""
ITERATIONS = 100
"""Maximum number of passes over the sample: the default of scikit-learn 0.20."""
STARTS = 3
"""Random initialisations, of which the best is used: the default of scikit-learn 0.20."""


def kmeans_centres(
    sample: Float[np.ndarray, "vector dimension"],
    clusters: int,
    *,
    seed: int,
    batch: int = BATCH,
    iterations: int = ITERATIONS,
    starts: int = STARTS,
) -> Float[Tensor, "cluster dimension"]:
    """Return the cluster centres of a sample, in float32.

    Args:
        sample: the vectors
        clusters: number of clusters
        seed: seed of the initialisation and of the mini-batches
        batch: vectors per mini-batch
        iterations: maximum number of passes over the sample
        starts: random initialisations, of which the best is used

    Raises:
        UserError: there are fewer distinct vectors than clusters
    """
    from sklearn.cluster import MiniBatchKMeans

    if not _has_distinct(sample, clusters):
        raise UserError(
            f"the sampled pixels have fewer than {clusters} distinct values for {clusters} clusters: "
            "use more or other photos, or sample more batches"
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
