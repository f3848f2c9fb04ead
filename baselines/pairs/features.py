"""Clusters of per-pixel features: a bounded sample of a stream of feature maps, then k-means.

The features of a whole data set are never held, nor is an upsampled map: of every batch a few pixels
are kept, and to assign pixels their scores are upsampled, one channel per cluster.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from infoseg_bench.images.upsampling import upsampled_pixels
from infoseg_bench.information.precision import full_precision

Sampling = Literal["published", "corrected"]
"""As published, every batch gives one random pixel, as often as its share of the sample; corrected, as many
different ones (IIC kmeans_segmentation_eval.py:78-89)."""
Maps = Float[Tensor, "batch feature rows columns"]
Counted = Bool[Tensor, "batch height width"]


def sample_features(
    stream: Iterable[tuple[Maps, Counted]], quota: int, sampling: Sampling, generator: torch.Generator
) -> Float[np.ndarray, "pixel feature"]:
    """Draw pixels of every batch, uniformly among those that count.

    Args:
        stream: feature maps, and which pixels of their images count
        quota: pixels of each batch; a batch in which none counts gives none
        sampling: published or corrected
        generator: of the CPU
    """
    sample = []
    for maps, counted in stream:
        candidates = counted.nonzero()
        if len(candidates) == 0:
            continue
        distinct = 1 if sampling == "published" else quota
        chosen = torch.randint(len(candidates), (distinct,), generator=generator)
        pixels = candidates[chosen.to(candidates.device)]
        features = upsampled_pixels(maps.float(), pixels, counted.shape[-1]).cpu().numpy()
        sample.append(np.repeat(features, quota // distinct, axis=0))
    return np.concatenate(sample) if sample else np.empty((0, 1), np.float32)


def assign(
    maps: Maps, centres: Float[Tensor, "cluster feature"], size: int
) -> Int64[Tensor, "batch size size"]:
    """Return the nearest centre of every pixel of the bilinearly upsampled maps.

    The nearest centre c has the least |c|^2 - 2 <f, c>, and the products <f, c> may be upsampled
    instead of the features f because upsampling is linear.

    Args:
        maps: features before upsampling
        centres: of the clusters
        size: side of the images
    """
    with full_precision(maps.device):
        products = torch.einsum("bfrc,kf->bkrc", maps.float(), centres)
        scores = F.interpolate(products, size=(size, size), mode="bilinear", align_corners=False)
        return (2 * scores - centres.square().sum(dim=1)[:, None, None]).argmax(dim=1)
