"""Parts of a bilinearly upsampled map, computed without the rest of it.

The values are those of `torch.nn.functional.interpolate(mode="bilinear", align_corners=False)`. A whole map
of 512 channels at the size of the image would take far more memory than anything else.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor


def upsampled_window(
    maps: Float[Tensor, "batch channel rows columns"],
    top: int | Int64[Tensor, ""],
    left: int | Int64[Tensor, ""],
    side: int,
    size: int,
) -> Float[Tensor, "batch channel side side"]:
    """Return a square window of the upsampled maps.

    Args:
        maps: the maps before upsampling
        top: first row of the window in the upsampled maps; a tensor is on their device
        left: first column
        side: side of the window in pixels
        size: side of the upsampled maps in pixels
    """
    steps = torch.arange(side, device=maps.device)
    down = _weights(steps + top, maps.shape[2], size).to(maps.dtype)
    across = _weights(steps + left, maps.shape[3], size).to(maps.dtype)
    return down @ maps @ across.mT


def upsampled_pixels(
    maps: Float[Tensor, "batch channel rows columns"],
    pixels: Int64[Tensor, "pixel 3"],
    size: int,
) -> Float[Tensor, "pixel channel"]:
    """Return single pixels of the upsampled maps.

    Args:
        maps: the maps before upsampling
        pixels: index in the batch, row and column of each pixel in the upsampled maps
        size: side of the upsampled maps in pixels
    """
    image, row, column = pixels.unbind(dim=1)
    upper, lower, down = _neighbours(row, maps.shape[2], size)
    left, right, across = _neighbours(column, maps.shape[3], size)
    top = torch.lerp(maps[image, :, upper, left], maps[image, :, upper, right], across[:, None])
    bottom = torch.lerp(maps[image, :, lower, left], maps[image, :, lower, right], across[:, None])
    return torch.lerp(top, bottom, down[:, None])


def _neighbours(places: Tensor, source: int, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return the two source positions interpolated at every position, and the weight of the second."""
    exact = ((places + 0.5) * (source / size) - 0.5).clamp(0, source - 1)
    lower = exact.floor().long()
    return lower, (lower + 1).clamp(max=source - 1), exact - lower


def _weights(places: Tensor, source: int, size: int) -> Float[Tensor, "place source"]:
    """Return the interpolation of a whole row or column as a matrix."""
    lower, upper, share = _neighbours(places, source, size)
    weights = torch.zeros(len(places), source, device=places.device)
    weights.scatter_add_(1, lower[:, None], 1 - share[:, None])
    return weights.scatter_add_(1, upper[:, None], share[:, None])
