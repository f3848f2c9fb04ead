"""K-means centres of a sample of vectors: by scikit-learn's MiniBatchKMeans, or spherical."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
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

    _require_distinct(sample, clusters)
    model = MiniBatchKMeans(
        clusters, batch_size=batch, max_iter=iterations, n_init=starts, random_state=seed
    ).fit(sample)
    return torch.from_numpy(model.cluster_centers_).float()


def spherical_centres(
    sample: Float[np.ndarray, "vector dimension"],
    clusters: int,
    *,
    seed: int,
    iterations: int = ITERATIONS,
    starts: int = STARTS,
) -> Float[Tensor, "cluster dimension"]:
    """Return the centres of spherical k-means, of length 1: clusters are by the highest cosine.

    Centres start as in k-means++. Then every vector goes to the centre with the highest cosine, and every
    centre becomes the direction of its vectors' mean (Dhillon and Modha, Machine Learning 42, 2001).

    Args:
        sample: vectors of any length above 0
        clusters: number of clusters
        seed: seed of the initialisation
        iterations: maximum number of passes over the sample
        starts: random initialisations, of which the one with the highest mean cosine is used

    Raises:
        UserError: there are fewer distinct vectors than clusters
    """
    from sklearn.cluster import kmeans_plusplus

    _require_distinct(sample, clusters)
    random, vectors = np.random.RandomState(seed), F.normalize(torch.from_numpy(sample).float(), dim=1)
    found = []
    for _ in range(starts):
        first = torch.from_numpy(kmeans_plusplus(vectors.numpy(), clusters, random_state=random)[0])
        found.append(_spherical(vectors, first, iterations))
    return max(found, key=lambda centres: float((vectors @ centres.T).max(dim=1).values.mean()))


def _spherical(vectors: Tensor, centres: Tensor, iterations: int) -> Tensor:
    before = None
    for _ in range(iterations):
        nearest = (vectors @ centres.T).argmax(dim=1)
        if before is not None and torch.equal(nearest, before):
            break
        sums = torch.zeros_like(centres).index_add_(0, nearest, vectors)
        # A cluster that has lost all its vectors keeps its centre.
        centres = torch.where(sums.norm(dim=1, keepdim=True) > 0, F.normalize(sums, dim=1), centres)
        before = nearest
    return centres


def _require_distinct(sample: np.ndarray, clusters: int) -> None:
    if not _has_distinct(sample, clusters):
        raise UserError(
            f"the sampled pixels have fewer than {clusters} distinct values for {clusters} clusters: "
            "use more or other photos, or sample more batches"
        )


def _has_distinct(sample: np.ndarray, count: int) -> bool:
    seen = set[bytes]()
    for vector in sample:
        seen.add(vector.tobytes())
        if len(seen) >= count:
            return True
    return False
