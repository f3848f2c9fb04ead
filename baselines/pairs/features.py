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
"""Published: of every batch one pixel, repeated (IIC kmeans_segmentation_eval.py:78-89); corrected: as many
different ones."""
Maps = Float[Tensor, "batch feature rows columns"]
Counted = Bool[Tensor, "batch height width"]


def sample_features(
    stream: Iterable[tuple[Maps, Counted]], per_image: int, sampling: Sampling, generator: torch.Generator
) -> Float[np.ndarray, "pixel feature"]:
    """Draw pixels of every batch, uniformly among those that count.

    As published, one pixel is drawn among a batch's first ones that count, as many as the batch may
    give, and repeated so often.

    Args:
        stream: feature maps, and which pixels of their images count
        per_image: pixels that a batch gives for each of its images; one in which none counts gives none
        sampling: published or corrected
        generator: of the CPU
    """
    sample = []
    for maps, counted in stream:
        candidates, quota = counted.nonzero(), per_image * len(maps)
        if len(candidates) == 0:
            continue
        if sampling == "published":
            quota = min(quota, len(candidates))
            chosen = torch.randint(quota, (1,), generator=generator)
        else:
            chosen = torch.randint(len(candidates), (quota,), generator=generator)
        pixels = candidates[chosen.to(candidates.device)]
        features = upsampled_pixels(maps.float(), pixels, counted.shape[-1]).cpu().numpy()
        sample.append(np.repeat(features, quota // len(chosen), axis=0))
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
