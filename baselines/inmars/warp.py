"""Warping of images along smooth flows."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


def smooth_flow(
    control: Float[Tensor, "batch 2 points points"], size: tuple[int, int]
) -> Float[Tensor, "batch 2 height width"]:
    """Interpolate a flow bicubically between control points that span the image."""
    return F.interpolate(control, size=size, mode="bicubic", align_corners=True)


def warp(
    maps: Float[Tensor, "batch channel height width"],
    flow: Float[Tensor, "batch 2 height width"],
    *,
    mode: Literal["bilinear", "nearest"] = "bilinear",
    outside: Literal["border", "zeros"] = "border",
) -> Float[Tensor, "batch channel height width"]:
    """Return for every pixel the value at its position plus its flow.

    Args:
        maps: the maps to warp
        flow: displacement along columns, then rows, in pixels
        mode: how to interpolate between pixels
        outside: how to fill pixels from beyond the border
    """
    height, width = maps.shape[-2:]
    columns = torch.arange(width, device=maps.device, dtype=flow.dtype) + flow[:, 0]
    rows = torch.arange(height, device=maps.device, dtype=flow.dtype)[:, None] + flow[:, 1]
    grid = torch.stack([(2 * columns + 1) / width - 1, (2 * rows + 1) / height - 1], dim=-1)
    return F.grid_sample(maps, grid, mode=mode, padding_mode=outside, align_corners=False)
