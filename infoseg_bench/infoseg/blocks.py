"""What InfoSeg's blocks are made of: convolutions, block B, block C, and how they start."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

SMALLEST_MAP = 4
"""Block B halves the map until it is at most this wide, then ends; chosen by this project, after Deep
InfoMax."""

ALIGNED = 8
"""Matrix sizes are best multiples of this many numbers; NVIDIA's guide to matrix multiplication."""

Pooling = Literal["average", "convolution"]
"""End of block B: the average over its last map, or a convolution over the whole of it."""
Initialisation = Literal["torch", "he"]
"""Of the convolutions before a ReLU."""


def convolution(
    channels: int, out: int, side: int, stride: int, batch_norm: bool, padding: int | None = None
) -> nn.Sequential:
    """Make a convolution with ReLU, and batch normalisation between them where it is wanted.

    Args:
        channels: of its input
        out: channels of its output
        side: of the kernel in places
        stride: in places
        batch_norm: instead of a bias
        padding: None: half of what the kernel overlaps
    """
    padding = (side - 1) // 2 if padding is None else padding
    layers: list[nn.Module] = [nn.Conv2d(channels, out, side, stride, padding, bias=not batch_norm)]
    if batch_norm:
        layers.append(nn.BatchNorm2d(out))
    return nn.Sequential(*layers, nn.ReLU(inplace=True))


class BlockB(nn.Sequential):
    """Block B: from the grid of patches down to one place, the image."""

    def __init__(self, channels: int, side: int, widest: int, batch_norm: bool, pooling: Pooling) -> None:
        """Build it for a grid of `side` places; every halving doubles the channels up to `widest`."""
        layers: list[nn.Module] = []
        while side > SMALLEST_MAP:
            out = min(2 * channels, widest)
            layers.append(convolution(channels, out, 4, 2, batch_norm))
            channels, side = out, side // 2
        # Another size of image than the one trained on comes to the same last map, by averages.
        layers.append(nn.AdaptiveAvgPool2d(1 if pooling == "average" else side))
        if pooling == "convolution":
            layers.append(convolution(channels, channels, side, 1, batch_norm, padding=0))
        super().__init__(*layers)
        self.out_channels = channels


class PointwiseResidual(nn.Module):
    """Block C: a residual block of 1x1 convolutions, as Deep InfoMax's mi_networks.py:68-118."""

    def __init__(self, channels: int, features: int, batch_norm: bool) -> None:
        """Build it with `features` hidden and output channels."""
        super().__init__()
        self.residual = nn.Sequential(
            convolution(channels, features, 1, 1, batch_norm), nn.Conv2d(features, features, 1)
        )
        self.shortcut = nn.Conv2d(channels, features, 1, bias=False)

    def forward(self, grid: Float[Tensor, "batch c rows columns"]) -> Float[Tensor, "batch P rows columns"]:
        """Add residual and shortcut."""
        features: Tensor = self.residual(grid) + self.shortcut(grid)
        return features

    def unapplied(
        self, grid: Float[Tensor, "batch c rows columns"]
    ) -> tuple[Float[Tensor, "batch q rows columns"], Float[Tensor, "P q"]]:
        """Return the inputs of the last, linear layer and its weights instead of their product."""
        first, last = self.residual
        assert isinstance(last, nn.Conv2d)
        assert last.bias is not None
        hidden = first(grid)
        # The bias has as many inputs, all one, as keep the sizes multiples of what GPUs multiply fast.
        ones = torch.ones_like(hidden[:, :ALIGNED], memory_format=torch.channels_last)
        bias = last.bias[:, None].expand(-1, ALIGNED) / ALIGNED
        weights = torch.cat([last.weight.flatten(1), self.shortcut.weight.flatten(1), bias], dim=1)
        return torch.cat([hidden, grid, ones], dim=1), weights


def keep_size(module: nn.Module) -> None:
    """Draw the weights before a ReLU so that what follows it is as large as what came in (He et al. 2015)."""
    if isinstance(module, nn.Sequential) and isinstance(module[0], nn.Conv2d):
        nn.init.kaiming_normal_(module[0].weight, nonlinearity="relu")
