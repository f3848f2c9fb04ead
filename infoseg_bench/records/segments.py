"""The segments of a run without labels: cluster maps, cluster sizes, and agreement between runs."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from infoseg_bench.data.view import VOID
from infoseg_bench.errors import UserError
from infoseg_bench.records.arrays import load_arrays
from infoseg_bench.records.record import ClusterSizes
from infoseg_bench.scoring.agreement import adjusted_rand_index, normalized_mutual_information
from infoseg_bench.utils.atomic import write_atomic


@dataclass(frozen=True, eq=False)
class Segments:
    """Cluster maps of the photos that a run shows.

    Attributes:
        clusters: cluster of every pixel, VOID in padding
        ids: ids of the photos
        sha256: hash of the file, 64 hexadecimal digits; empty before it is written
    """

    clusters: UInt8[np.ndarray, "image height width"]
    ids: list[str]
    sha256: str = ""


def write_segments(file: Path, segments: Segments) -> None:
    """Write the arrays `clusters` (uint8 `image height width`) and `ids` as a compressed npz file."""
    ids = np.array(segments.ids)
    write_atomic(file, lambda handle: np.savez_compressed(handle, clusters=segments.clusters, ids=ids))


def parse_segments(content: bytes | None, source: Path) -> Segments:
    """Read what `write_segments` wrote.

    Args:
        content: content of the file; None: there is no such file
        source: where the content comes from, for messages

    Raises:
        UserError: the file is missing or damaged
    """
    arrays = load_arrays(content, ("clusters", "ids"), source, "segments")
    clusters, ids = arrays["clusters"], arrays["ids"].tolist()
    if clusters.ndim != 3 or clusters.dtype != np.uint8 or len(clusters) != len(ids):
        raise UserError(f"{source}: not one cluster map for each photo: repeat the run with --force")
    return Segments(clusters=clusters, ids=ids, sha256=hashlib.sha256(content or b"").hexdigest())


def cluster_sizes(maps: UInt8[np.ndarray, "image height width"], *, clusters: int, step: int) -> ClusterSizes:
    """Return how the pixels of all photos are distributed over the clusters; padding is ignored.

    Args:
        maps: cluster of every pixel, VOID in padding
        clusters: number of clusters, K
        step: training step of the maps

    Raises:
        ValueError: a cluster outside [0, K), or no pixel at all
    """
    pixels = np.bincount(maps.ravel(), minlength=VOID + 1)
    total = int(pixels[:VOID].sum())
    if total == 0 or pixels[clusters:VOID].any():
        raise ValueError(f"it has no pixels, or clusters outside [0, {clusters})")
    shares = pixels[:clusters] / total
    used = shares[shares > 0]
    return ClusterSizes(step=step, shares=shares.tolist(), entropy=float(-(used * np.log(used)).sum()))


def effective_clusters(sizes: ClusterSizes) -> float:
    """Return the effective number of clusters, in [1, K]: the exponential of the entropy of their sizes."""
    return math.exp(sizes.entropy)


def agreement(one: Segments, other: Segments) -> tuple[float, float]:
    """Return how well two runs agree on the same photos; the numbering of clusters does not matter.

    Returns:
        normalised mutual information in [0, 1] and adjusted Rand index in [-0.5, 1]

    Raises:
        ValueError: segments of other photos
    """
    if one.ids != other.ids or one.clusters.shape != other.clusters.shape:
        raise ValueError("segments of other photos")
    inside = (one.clusters != VOID) & (other.clusters != VOID)
    cells = one.clusters[inside].astype(np.int64) * (VOID + 1) + other.clusters[inside]
    joint = np.bincount(cells, minlength=(VOID + 1) ** 2).reshape(VOID + 1, VOID + 1)
    return normalized_mutual_information(joint), adjusted_rand_index(joint)
