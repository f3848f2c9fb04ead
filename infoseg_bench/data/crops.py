"""Square crops of photos of any size, gathered in one indexing operation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int64, UInt8
from torch import Tensor

from infoseg_bench.utils.device import send


@dataclass(frozen=True, kw_only=True)
class CropPlan:
    """The positions of the pixels of a batch of crops.

    Attributes:
        index: positions in the flat pixel array; for padding, that of some pixel of the same photo
        inside: False where the crop extends beyond the photo
    """

    index: Int64[Tensor, "batch crop crop"]
    inside: Bool[Tensor, "batch crop crop"]


class PhotoIndex:
    """Sizes and starts of photos that are stored one after another in a flat array."""

    def __init__(self, sizes: np.ndarray, starts: np.ndarray, device: torch.device) -> None:
        """Create it from int `photo 2` heights and widths, and int64 `photo` starts in the flat array."""
        self.sizes = torch.from_numpy(sizes.astype(np.int64)).to(device)
        self.starts = torch.from_numpy(starts.astype(np.int64)).to(device)

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
        offset = (send(draws, sizes.device) * (room.clamp(min=0) + 1)).long()
        return self._plan(photos, torch.where(room > 0, offset, _centred(sizes, crop)), crop)

    def _plan(self, photos: Tensor, corner: Int64[Tensor, "batch 2"], crop: int) -> CropPlan:
        side = torch.arange(crop, device=corner.device)
        height, width = self.sizes[photos].T
        rows, columns = corner[:, :1] + side, corner[:, 1:] + side
        inside_rows = (rows >= 0) & (rows < height[:, None])
        inside_columns = (columns >= 0) & (columns < width[:, None])
        rows = rows.clamp(min=0).minimum(height[:, None] - 1)
        columns = columns.clamp(min=0).minimum(width[:, None] - 1)
        index = (
            self.starts[photos][:, None, None] + rows[:, :, None] * width[:, None, None] + columns[:, None]
        )
        return CropPlan(index=index, inside=inside_rows[:, :, None] & inside_columns[:, None])


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
