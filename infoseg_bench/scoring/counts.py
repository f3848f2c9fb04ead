"""Raw counts: how many pixels of each cluster belong to each class, image by image."""

from __future__ import annotations

import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from infoseg_bench.data.view import VOID


def confusion_counts(
    clusters: Int64[Tensor, "batch height width"],
    labels: UInt8[Tensor, "batch height width"],
    *,
    n_clusters: int,
    n_classes: int,
) -> Int64[Tensor, "batch cluster cls"]:
    """Count the pixels of every (cluster, class) pair in every image.

    Whether a pixel is counted depends only on its label: void pixels are not, all others are, in any
    cluster. A value out of range is an error; it is never folded into another cell or dropped, as happens in
    public code (PiCIE's and STEGO's `utils.py`, torchmetrics 1.9).

    Args:
        clusters: in [0, n_clusters), also where the label is void
        labels: class index in [0, n_classes), or VOID (255); on the clusters' device
        n_clusters: number of clusters, K
        n_classes: number of classes, C

    Returns:
        number of pixels, on the clusters' device; the sum is the number of pixels that are not void

    Raises:
        ValueError: a cluster or a label is out of range
    """
    valid = labels != VOID
    wide = labels.long()
    _check_range("cluster", clusters, clusters.new_ones((), dtype=torch.bool), n_clusters)
    _check_range("label", wide, valid, n_classes)
    batch = len(clusters)
    image = torch.arange(batch, device=clusters.device)[:, None, None]
    cell = (image * n_clusters + clusters) * n_classes + wide
    counts = torch.bincount(cell[valid], minlength=batch * n_clusters * n_classes)
    return counts.view(batch, n_clusters, n_classes)


def _check_range(kind: str, values: Tensor, counted: Tensor, end: int) -> None:
    outside = counted & ((values < 0) | (values >= end))
    if outside.any():
        raise ValueError(f"{kind} {int(values[outside][0])} is outside [0, {end})")
