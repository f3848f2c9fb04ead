"""Random left-right mirroring of the images of a batch."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Shaped
from torch import Tensor

from infoseg_bench.utils.device import send


def draw_mirrored(count: int, generator: torch.Generator) -> Bool[Tensor, " batch"]:
    """Draw which images to mirror, each with probability 1/2.

    As in IIC (datasets/segmentation/cocostuff.py:213-220).

    Args:
        count: number of images in the batch
        generator: a CPU generator
    """
    return torch.rand(count, generator=generator) < 0.5


def mirror(
    maps: Shaped[Tensor, "batch *between height width"], mirrored: Bool[Tensor, " batch"]
) -> Shaped[Tensor, "batch *between height width"]:
    """Return the maps with the chosen ones mirrored; a second call with the same choice restores them.

    Args:
        maps: images, masks, or maps of probabilities
        mirrored: which of them to mirror
    """
    chosen = send(mirrored, maps.device).view(-1, *[1] * (maps.ndim - 1))
    return torch.where(chosen, maps.flip(-1), maps)
