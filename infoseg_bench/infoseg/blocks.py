"""The parts of InfoSeg's blocks: convolutions, block A, block B, block C, and their initial weights."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

SMALLEST_MAP = 4
"""Block B halves the map until its side is at most this long; chosen by this project, after Deep InfoMax."""

ALIGNED = 8
"""Matrix sizes should be multiples of this number; NVIDIA's guide to matrix multiplication."""

Pooling = Literal["average", "convolution"]
"""End of block B: the average over its last map, or one convolution as large as that map."""
Initialisation = Literal["torch", "he"]
"""Initial weights of convolutions before a ReLU."""
Shortcut = Literal["identity", "torch"]
"""Initial weights of block C's shortcut."""

SHORTCUT_NOISE = 0.01
"""Bound of the uniform noise added to a near-identity shortcut; Deep InfoMax's mi_networks.py:98-104."""


def convolution(
    channels: int, out: int, side: int, stride: int, batch_norm: bool, padding: int | None = None
) -> nn.Sequential:
    """Make a convolution followed by ReLU, with optional batch normalisation between them.

    Args:
        channels: channels of the input
        out: channels of the output
        side: side of the kernel, in grid cells
        stride: stride, in grid cells
        batch_norm: whether to normalise; the convolution then has no bias
        padding: padding on every side, in grid cells; None: (side - 1) // 2
    """
    padding = (side - 1) // 2 if padding is None else padding
    layers: list[nn.Module] = [nn.Conv2d(channels, out, side, stride, padding, bias=not batch_norm)]
    if batch_norm:
        layers.append(nn.BatchNorm2d(out))
    return nn.Sequential(*layers, nn.ReLU(inplace=True))


class BlockA(nn.Sequential):
    """Block A: from the image to a grid of patch features at a quarter of its resolution."""

    def __init__(
        self, channels: int, *, width: int, out: int, depth: int, context: int, batch_norm: bool
    ) -> None:
        """Build the block.

        Args:
            channels: channels of the images
            width: channels at half of the image's resolution
            out: channels at a quarter of it
            depth: number of 3x3 layers at half resolution, each of which widens the patch by 4 pixels
            context: number of 3x3 layers at a quarter, each of which widens the patch by 8 pixels
            batch_norm: whether every convolution is followed by batch normalisation
        """
        super().__init__(
            convolution(channels, width, 4, 2, batch_norm),
            *(convolution(width, width, 3, 1, batch_norm) for _ in range(depth)),
            convolution(width, out, 4, 2, batch_norm),
            *(convolution(out, out, 3, 1, batch_norm) for _ in range(context)),
        )


def patch_side(context: int, depth: int = 0) -> int:
    """Side in pixels of the patch that one place of block A's output sees."""
    # One 4x4 layer at full resolution, `depth` 3x3 and a 4x4 at half, `context` 3x3 at a quarter.
    return 4 + 2 * 2 * depth + 2 * 3 + 4 * 2 * context


class BlockB(nn.Sequential):
    """Block B: from the grid of patches down to a single place that stands for the whole image."""

    def __init__(self, channels: int, side: int, widest: int, batch_norm: bool, pooling: Pooling) -> None:
        """Build it for a square grid of `side` places; every halving doubles the channels, up to `widest`."""
        layers: list[nn.Module] = []
        while side > SMALLEST_MAP:
            out = min(2 * channels, widest)
            layers.append(convolution(channels, out, 4, 2, batch_norm))
            channels, side = out, side // 2
        # For images of another size than the training images, the last map is averaged to the same size.
        layers.append(nn.AdaptiveAvgPool2d(1 if pooling == "average" else side))
        if pooling == "convolution":
            layers.append(convolution(channels, channels, side, 1, batch_norm, padding=0))
        super().__init__(*layers)
        self.out_channels = channels


class PointwiseResidual(nn.Module):
    """Block C: a residual block of 1x1 convolutions, as in Deep InfoMax's mi_networks.py:68-118."""

    def __init__(
        self, channels: int, features: int, batch_norm: bool, initial_shortcut: Shortcut = "torch"
    ) -> None:
        """Build it with `features` hidden channels and as many output channels."""
        super().__init__()
        self.residual = nn.Sequential(
            convolution(channels, features, 1, 1, batch_norm), nn.Conv2d(features, features, 1)
        )
        self.shortcut = nn.Conv2d(channels, features, 1, bias=False)
        if initial_shortcut == "identity":
            make_near_identity(self.shortcut)

    def forward(self, grid: Float[Tensor, "batch c rows columns"]) -> Float[Tensor, "batch P rows columns"]:
        """Return the sum of residual and shortcut."""
        features: Tensor = self.residual(grid) + self.shortcut(grid)
        return features

    def unapplied(
        self, grid: Float[Tensor, "batch c rows columns"]
    ) -> tuple[Float[Tensor, "batch q rows columns"], Float[Tensor, "P q"]]:
        """Return the inputs and the weights of the last, linear layer instead of their product."""
        first, last = self.residual
        assert isinstance(last, nn.Conv2d)
        assert last.bias is not None
        hidden = first(grid)
        # The bias becomes ALIGNED constant inputs, because GPUs are fast with multiples of ALIGNED.
        ones = torch.ones_like(hidden[:, :ALIGNED], memory_format=torch.channels_last)
        bias = last.bias[:, None].expand(-1, ALIGNED) / ALIGNED
        weights = torch.cat([last.weight.flatten(1), self.shortcut.weight.flatten(1), bias], dim=1)
        return torch.cat([hidden, grid, ones], dim=1), weights


def make_near_identity(layer: nn.Conv2d) -> None:
    """Set a 1x1 convolution's weights to the identity plus noise, as in Deep InfoMax's mi_networks.py:98-104.

    Deep InfoMax does so only if there are at least as many outputs as inputs; if there are fewer, the
    identity here covers the first inputs.
    """
    nn.init.uniform_(layer.weight, -SHORTCUT_NOISE, SHORTCUT_NOISE)
    with torch.no_grad():
        layer.weight.flatten(1).fill_diagonal_(1.0)


def keep_size(module: nn.Module) -> None:
    """Draw the weights before a ReLU so that activations keep their variance (He et al. 2015)."""
    if isinstance(module, nn.Sequential) and isinstance(module[0], nn.Conv2d):
        nn.init.kaiming_normal_(module[0].weight, nonlinearity="relu")
