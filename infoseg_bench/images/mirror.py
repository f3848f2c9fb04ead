"""Mirroring left-right, which is its own inverse."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Shaped
from torch import Tensor

from infoseg_bench.utils.device import send


def draw_mirrored(count: int, generator: torch.Generator) -> Bool[Tensor, " batch"]:
    """Choose every image with probability one half (IIC datasets/segmentation/cocostuff.py:213-220).

    Args:
        count: images in the batch
        generator: of the CPU
    """
    return torch.rand(count, generator=generator) < 0.5


def mirror(
    maps: Shaped[Tensor, "batch *between height width"], mirrored: Bool[Tensor, " batch"]
) -> Shaped[Tensor, "batch *between height width"]:
    """Mirror the chosen ones; doing it again gives the original back.

    Args:
        maps: images, masks, or maps of probabilities
        mirrored: which ones
    """
    chosen = send(mirrored, maps.device).view(-1, *[1] * (maps.ndim - 1))
    return torch.where(chosen, maps.flip(-1), maps)
