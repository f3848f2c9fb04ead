"""InfoSeg's feature network: blocks A to D of PAPER Fig. 3, whose sizes the text leaves open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from infoseg_bench.infoseg.normalisation import (
    LINEAR_IN_L,
    Normalisation,
    normalise_global,
    normalise_local,
    scale_of_local,
)

STRIDE = 4
"""Input pixels per place of L, d in PAPER 5.1."""
SMALLEST_MAP = 4
"""Block B halves the map until it is at most this wide, then ends; ours, after Deep InfoMax."""

ALIGNED = 8
"""Matrix sizes are best multiples of this many numbers; NVIDIA's guide to matrix multiplication."""

Pooling = Literal["average", "convolution"]
Initialisation = Literal["torch", "he"]


@dataclass(frozen=True)
class Features:
    """Local features L and one global feature H per class."""

    L: Float[Tensor, "batch P rows columns"]
    H: Float[Tensor, "batch K P"]


class FeatureNetwork(nn.Module):
    """Images to L and H.

    A gives a grid of patch features; C on A gives L. B takes A's grid down to the image level;
    another C and, per class, a linear layer D give H.
    """

    def __init__(
        self,
        *,
        channels: int,
        clusters: int,
        P: int,
        width: int,
        context: int,
        crop: int,
        batch_norm: bool,
        pooling: Pooling = "average",
        normalisation: Normalisation = "layer",
        initialisation: Initialisation = "torch",
    ) -> None:
        """Build it.

        Args:
            channels: of the images
            clusters: K
            P: length of local and global features
            width: channels of A's first layer; A ends with twice, B with at most 16 times as many
            context: 3x3 layers at the end of A, each widening L's patch by 8 pixels
            crop: side of the images it will be trained on, which decides the depth of B
            batch_norm: whether the convolutions are followed by batch normalisation
            pooling: how B ends: with the average over its last map, or with a convolution over the
                whole of it, which tells places apart
            normalisation: of L and H
            initialisation: of the convolutions before a ReLU
        """
        super().__init__()
        grid = 2 * width
        self.clusters, self.P = clusters, P
        self.normalisation, self.fold = normalisation, normalisation in LINEAR_IN_L
        self.block_a = nn.Sequential(
            _convolution(channels, width, 4, 2, batch_norm),
            _convolution(width, grid, 4, 2, batch_norm),
            *(_convolution(grid, grid, 3, 1, batch_norm) for _ in range(context)),
        )
        self.block_b = _block_b(grid, crop // STRIDE, 16 * width, batch_norm, pooling)
        self.local_c = PointwiseResidual(grid, P, batch_norm)
        self.global_c = PointwiseResidual(self.block_b.out_channels, P, batch_norm)
        # K separate linear layers P -> P, side by side in one.
        self.block_d = nn.Linear(P, clusters * P)
        if initialisation == "he":
            self.apply(_keep_size)

    def forward(
        self,
        images: Float[Tensor, "batch channel height width"],
        view: Float[Tensor, "batch channel height width"] | None = None,
    ) -> Features:
        """Compute both kinds of features; height and width are multiples of 4.

        Only dot products of L and H are ever needed, and where L is not normalised C's last layer is
        linear: <W l, H> is <l, W'H>. Folded, that layer is applied to the K vectors of an image's H and
        not to the l of its thousand places; L then stands for the layer's inputs, and both have more
        than P numbers.

        Args:
            images: what L is taken from
            view: what H is taken from; None: the images too
        """
        grid = self.block_a(images)
        source = grid if view is None else self.block_a(view)
        image_level = self.global_c(self.block_b(source)).flatten(1)
        H = normalise_global(
            self.block_d(image_level).unflatten(1, (self.clusters, self.P)), self.normalisation
        )
        if not self.fold:
            return Features(L=normalise_local(self.local_c(grid), self.normalisation), H=H)
        inputs, weights = self.local_c.unapplied(grid)
        return Features(L=inputs, H=H * scale_of_local(self.normalisation, self.P) @ weights)


def patch_side(context: int) -> int:
    """Give the side in pixels of what one place of L sees: 4x4 and 4x4 at stride 2, then `context` 3x3."""
    return 4 + 3 * 2 + context * 2 * STRIDE


class PointwiseResidual(nn.Module):
    """Block C: a residual block of 1x1 convolutions, as Deep InfoMax's mi_networks.py:68-118."""

    def __init__(self, channels: int, features: int, batch_norm: bool) -> None:
        """Build it with `features` hidden and output channels."""
        super().__init__()
        self.residual = nn.Sequential(
            _convolution(channels, features, 1, 1, batch_norm), nn.Conv2d(features, features, 1)
        )
        self.shortcut = nn.Conv2d(channels, features, 1, bias=False)

    def forward(self, grid: Float[Tensor, "batch c rows columns"]) -> Float[Tensor, "batch P rows columns"]:
        """Add residual and shortcut."""
        features: Tensor = self.residual(grid) + self.shortcut(grid)
        return features

    def unapplied(
        self, grid: Float[Tensor, "batch c rows columns"]
    ) -> tuple[Float[Tensor, "batch q rows columns"], Float[Tensor, "P q"]]:
        """Give the inputs of the last, linear layer and its weights instead of their product."""
        first, last = self.residual
        assert isinstance(last, nn.Conv2d)
        assert last.bias is not None
        hidden = first(grid)
        # The bias has as many inputs, all one, as keep the sizes multiples of what GPUs multiply fast.
        ones = torch.ones_like(hidden[:, :ALIGNED], memory_format=torch.channels_last)
        bias = last.bias[:, None].expand(-1, ALIGNED) / ALIGNED
        weights = torch.cat([last.weight.flatten(1), self.shortcut.weight.flatten(1), bias], dim=1)
        return torch.cat([hidden, grid, ones], dim=1), weights


class _BlockB(nn.Sequential):
    out_channels: int


def _block_b(channels: int, side: int, widest: int, batch_norm: bool, pooling: Pooling) -> _BlockB:
    layers: list[nn.Module] = []
    while side > SMALLEST_MAP:
        out = min(2 * channels, widest)
        layers.append(_convolution(channels, out, 4, 2, batch_norm))
        channels, side = out, side // 2
    # Another size of image than the one trained on comes to the same last map, by averages.
    layers.append(nn.AdaptiveAvgPool2d(1 if pooling == "average" else side))
    if pooling == "convolution":
        layers.append(_convolution(channels, channels, side, 1, batch_norm, padding=0))
    block = _BlockB(*layers)
    block.out_channels = channels
    return block


def _keep_size(module: nn.Module) -> None:
    """Draw the weights before a ReLU so that what follows it is as large as what came in (He et al. 2015)."""
    if isinstance(module, nn.Sequential) and isinstance(module[0], nn.Conv2d):
        nn.init.kaiming_normal_(module[0].weight, nonlinearity="relu")


def _convolution(
    channels: int, out: int, side: int, stride: int, batch_norm: bool, padding: int | None = None
) -> nn.Sequential:
    padding = (side - 1) // 2 if padding is None else padding
    layers: list[nn.Module] = [nn.Conv2d(channels, out, side, stride, padding, bias=not batch_norm)]
    if batch_norm:
        layers.append(nn.BatchNorm2d(out))
    return nn.Sequential(*layers, nn.ReLU(inplace=True))
