"""Means over the regions of a map, such as superpixels."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor


class RegionPooling:
    """Averages maps over every region of every image; the pixels of a region need not be connected.

    The number of regions is known only on the device, and reading it would make the host wait. So every
    image has as many rows as pixels, of which only the first ones are used.

    Attributes:
        share: weight of every row in a mean over all regions; 0 for unused rows
    """

    def __init__(self, regions: Int64[Tensor, "batch height width"]) -> None:
        """Index the regions of a batch.

        Args:
            regions: region numbers, distinct within an image; negative ones belong to no region
        """
        numbers = regions.flatten(1)
        first = torch.arange(len(numbers), device=regions.device)[:, None] * numbers.shape[1]
        self._rows = (_ranks(numbers) + first).flatten()
        self._inside = (numbers >= 0).flatten().float()
        self._areas = self._sum(self._inside[:, None])
        used = (self._areas[:, 0] > 0).float()
        self.share: Float[Tensor, " row"] = used / used.sum().clamp(min=1)

    def __call__(self, maps: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "row channel"]:
        """Return the means of all images, one after another; unused rows are zero."""
        pixels = maps.movedim(1, -1).flatten(0, 2) * self._inside[:, None]
        means: Tensor = self._sum(pixels) / self._areas.clamp(min=1)
        return means

    def _sum(self, pixels: Float[Tensor, "row channel"]) -> Float[Tensor, "row channel"]:
        return torch.zeros_like(pixels).index_add_(0, self._rows, pixels)


def _ranks(numbers: Int64[Tensor, "batch pixel"]) -> Int64[Tensor, "batch pixel"]:
    """Replace the distinct values of an image by 0, 1, ..., in ascending order."""
    ordered, order = numbers.sort(dim=1)
    steps = (ordered.diff(dim=1) != 0).cumsum(dim=1)
    return torch.zeros_like(numbers).scatter(1, order[:, 1:], steps)
