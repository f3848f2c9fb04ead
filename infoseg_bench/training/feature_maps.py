"""Clusters of per-pixel features: a bounded sample from a stream of feature maps, then k-means.

Neither the features of a whole data set nor an upsampled feature map are kept in memory: only a few pixels
of every batch are sampled, and to assign pixels, their scores are upsampled, one channel per cluster.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from infoseg_bench.images.upsampling import upsampled_pixels
from infoseg_bench.information.precision import full_precision

Sampling = Literal["published", "corrected"]
"""Published: one pixel of every batch, repeated (IIC kmeans_segmentation_eval.py:78-89); corrected: as many
different pixels."""
Maps = Float[Tensor, "batch feature rows columns"]
Counted = Bool[Tensor, "batch height width"]


def sample_features(
    stream: Iterable[tuple[Maps, Counted]], per_image: int, sampling: Sampling, generator: torch.Generator
) -> Float[np.ndarray, "pixel feature"]:
    """Draw pixels of every batch, uniformly among the valid ones.

    With "published" sampling, a batch that should give n pixels gives one pixel n times, drawn among its
    first n valid ones.

    Args:
        stream: feature maps, and which pixels of their images are valid
        per_image: number of pixels per image of a batch; a batch without valid pixels gives none
        sampling: published or corrected
        generator: random generator of the CPU
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


def nearness(
    maps: Maps, centres: Float[Tensor, "cluster feature"], size: int
) -> Float[Tensor, "batch cluster height width"]:
    """Return 2 <f, c> - |c|^2 for every pixel of the upsampled maps, which is highest for the nearest centre.

    The products <f, c> can be upsampled instead of the features f because upsampling is linear.

    Args:
        maps: features before upsampling
        centres: cluster centres
        size: side of the images in pixels
    """
    with full_precision(maps.device):
        products = torch.einsum("bfrc,kf->bkrc", maps.float(), centres)
        scores = F.interpolate(products, size=(size, size), mode="bilinear", align_corners=False)
        return 2 * scores - centres.square().sum(dim=1)[:, None, None]
