"""Square crops of photos of any size: their places, found on the host, and one gather that cuts them all."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int64, UInt8
from torch import Tensor

from infoseg_bench.utils.device import send


@dataclass(frozen=True, kw_only=True)
class CropPlan:
    """The places of a batch of crops, by rows and columns: few numbers, which are quickly copied to a GPU.

    Attributes:
        places: for every row the position of its first pixel in the flat pixel array, then for every column
            the number to add; for padding, those of the photo's nearest row and column
        within: False for rows, then columns, beyond the photo
    """

    places: Int64[Tensor, "batch 2 crop"]
    within: Bool[Tensor, "batch 2 crop"]

    def to(self, device: torch.device) -> CropPlan:
        """Return the plan on a device."""
        return CropPlan(places=send(self.places, device), within=send(self.within, device))

    @cached_property
    def index(self) -> Int64[Tensor, "batch crop crop"]:
        """Positions in the flat pixel array; for padding, that of some pixel of the same photo."""
        rows, columns = self.places.unbind(dim=1)
        return rows[:, :, None] + columns[:, None]

    @cached_property
    def inside(self) -> Bool[Tensor, "batch crop crop"]:
        """False where the crop extends beyond the photo."""
        rows, columns = self.within.unbind(dim=1)
        return rows[:, :, None] & columns[:, None]


class PhotoIndex:
    """Sizes and starts of photos that are stored one after another in a flat array."""

    def __init__(self, sizes: np.ndarray, starts: np.ndarray) -> None:
        """Create it from int `photo 2` heights and widths, and int64 `photo` starts in the flat array."""
        self.sizes = torch.from_numpy(sizes.astype(np.int64))
        self.starts = torch.from_numpy(starts.astype(np.int64))

    def centre(self, photos: Int64[Tensor, " batch"], crop: int) -> CropPlan:
        """Return the positions of centre crops; a photo smaller than the crop is padded on both sides.

        The centres of photo and crop, each rounded down, coincide as in IIC's transforms
        (utils/segmentation/transforms.py:23-49): a side of 119 pixels gets 5 before and 4 after it.
        """
        return self._plan(photos, _centred(self.sizes[photos], crop), crop)

    def random(
        self, photos: Int64[Tensor, " batch"], crop: int, draws: Float64[Tensor, "batch 2"]
    ) -> CropPlan:
        """Return the positions of crops at the places `draws`; photos smaller than the crop are centred."""
        sizes = self.sizes[photos]
        room = sizes - crop
        # Below 2^53 the product is less than room + 1, so the last position can be drawn, but none beyond.
        offset = (draws * (room.clamp(min=0) + 1)).long()
        return self._plan(photos, torch.where(room > 0, offset, _centred(sizes, crop)), crop)

    def _plan(self, photos: Tensor, corner: Int64[Tensor, "batch 2"], crop: int) -> CropPlan:
        sizes = self.sizes[photos][:, :, None]
        lines = corner[:, :, None] + torch.arange(crop)
        nearest = lines.clamp(min=0).minimum(sizes - 1)
        rows = self.starts[photos][:, None] + nearest[:, 0] * sizes[:, 1]
        return CropPlan(
            places=torch.stack([rows, nearest[:, 1]], dim=1), within=(lines >= 0) & (lines < sizes)
        )


def _centred(sizes: Int64[Tensor, "batch 2"], crop: int) -> Int64[Tensor, "batch 2"]:
    return sizes // 2 - crop // 2


def draw_places(count: int, generator: torch.Generator) -> Float64[Tensor, "count 2"]:
    """Draw vertical and horizontal places of crops, as uniform fractions in [0, 1) of the free range."""
    return torch.rand(count, 2, generator=generator, dtype=torch.float64)


def gather_images(
    pixels: UInt8[Tensor, "pixel channel"], plan: CropPlan
) -> UInt8[Tensor, "batch channel crop crop"]:
    """Cut the crops out of the flat pixels; padding is zero."""
    crops = pixels[plan.index] * plan.inside[..., None]
    return crops.permute(0, 3, 1, 2)
