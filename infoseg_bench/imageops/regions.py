"""Means over the regions of a map, such as superpixels."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor


class RegionPooling:
    """Averages maps over every region of every image; a region's pixels need not be connected.

    Attributes:
        count: regions in the batch
    """

    def __init__(self, regions: Int64[Tensor, "batch height width"]) -> None:
        """Index the regions.

        Args:
            regions: numbers that tell an image's regions apart; pixels below zero belong to none
        """
        self._inside = (regions >= 0).flatten()
        images = torch.arange(len(regions), device=regions.device)[:, None, None]
        numbers = (regions + images * (regions.max() + 1)).flatten()[self._inside]
        found, self._region, self._areas = torch.unique(numbers, return_inverse=True, return_counts=True)
        self.count = len(found)

    def __call__(self, maps: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "region channel"]:
        """Give the means, images after one another, regions by their number."""
        pixels = maps.movedim(1, -1).flatten(0, 2)[self._inside]
        sums = pixels.new_zeros(self.count, maps.shape[1]).index_add_(0, self._region, pixels)
        means: Tensor = sums / self._areas[:, None]
        return means
