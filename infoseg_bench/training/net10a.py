"""IIC's segmentation network (archs/segmentation/net10a.py, net10a_twohead.py, archs/cluster/vgg.py)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from infoseg_bench.errors import UsageError
from infoseg_bench.information.precision import at_least_float32

TRUNK_LAYERS: tuple[tuple[int, int] | None, ...] = ((1, 1), (2, 1), None, (4, 1), (4, 1), (8, 2), (8, 2))
"""Channels as multiples of `width`, and dilation, per layer; None is 2x2 max pooling (net10a.py)."""

Padding = Literal["published", "corrected"]
"""published: every convolution pads by one pixel, so the dilated ones shrink the map and the 1x1 ones of the
heads add a border without information; corrected: no convolution changes the size of the map."""

SMALLEST_IMAGE = 10
"""Minimum side of an image in pixels: after the pooling and two dilated layers, one pixel is left."""


class Net10aTrunk(nn.Sequential):
    """Six 3x3 convolutions and one pooling; 128x128 pixels become 60x60 features, or 64x64 corrected."""

    def __init__(self, channels: int, width: int = 64, padding: Padding = "published") -> None:
        """Create the layers.

        Args:
            channels: channels of the input
            width: channels of the first layer, 64 as published; the last layer has 8 times as many
            padding: whether the dilated convolutions shrink the map ("published") or not ("corrected")
        """
        layers: list[nn.Module] = []
        previous = channels
        for layer in TRUNK_LAYERS:
            if layer is None:
                layers.append(nn.MaxPool2d(2, 2))
                continue
            out, dilation = layer[0] * width, layer[1]
            pad = 1 if padding == "published" else dilation
            layers += [
                nn.Conv2d(previous, out, 3, padding=pad, dilation=dilation, bias=False),
                nn.BatchNorm2d(out),
                nn.ReLU(inplace=True),
            ]
            previous = out
        super().__init__(*layers)
        self.out_channels = previous

    def forward(
        self, images: Float[Tensor, "batch channel height width"]
    ) -> Float[Tensor, "batch feature rows columns"]:
        """Return the features.

        Raises:
            UsageError: the images have fewer than `SMALLEST_IMAGE` rows or columns
        """
        if min(images.shape[-2:]) < SMALLEST_IMAGE:
            raise UsageError(
                f"images of {images.shape[-2]}x{images.shape[-1]} pixels are smaller than the network's "
                f"minimum of {SMALLEST_IMAGE}x{SMALLEST_IMAGE}: prepare larger crops"
            )
        features: Tensor = super().forward(images)  # type: ignore[no-untyped-call]
        return features


class ClusterHead(nn.Module):
    """A 1x1 convolution that turns trunk features into cluster probabilities at the size of the input."""

    def __init__(self, channels: int, clusters: int, padding: Padding = "published") -> None:
        """Create the layer; "published" padding adds a border where all clusters are equally probable."""
        super().__init__()
        pad = 1 if padding == "published" else 0
        self.project = nn.Conv2d(channels, clusters, 1, padding=pad, bias=False)

    def forward(
        self, features: Float[Tensor, "batch feature rows columns"], size: Sequence[int]
    ) -> Float[Tensor, "batch cluster height width"]:
        """Return softmax probabilities in float32, interpolated bilinearly to `size`."""
        probabilities = at_least_float32(self.project(features)).softmax(dim=1)
        return F.interpolate(probabilities, size=tuple(size), mode="bilinear", align_corners=False)


class TwoHeadNet10a(nn.Module):
    """The trunk with two heads: A for over-clustering, and B with K clusters."""

    def __init__(
        self,
        channels: int,
        clusters_a: int,
        clusters_b: int,
        width: int = 64,
        padding: Padding = "published",
    ) -> None:
        """Create the network with IIC's initial weights.

        Args:
            channels: channels of the input
            clusters_a: clusters of head A
            clusters_b: clusters of head B
            width: channels of the first layer
            padding: see `Padding`
        """
        super().__init__()
        self.trunk = Net10aTrunk(channels, width, padding)
        self.head_a = ClusterHead(self.trunk.out_channels, clusters_a, padding)
        self.head_b = ClusterHead(self.trunk.out_channels, clusters_b, padding)
        self.apply(initialise)

    def forward(
        self, images: Float[Tensor, "batch channel height width"], head: Literal["a", "b"] = "b"
    ) -> Float[Tensor, "batch cluster height width"]:
        """Return the cluster probabilities of one head."""
        chosen = self.head_a if head == "a" else self.head_b
        probabilities: Tensor = chosen(self.trunk(images), images.shape[-2:])
        return probabilities


def initialise(module: nn.Module) -> None:
    """Set IIC's initial weights (vgg.py:42-54): Kaiming normal by fan-in, and batch norm as the identity."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
    elif isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, 0.0, 0.01)
        nn.init.zeros_(module.bias)
