"""A network on IIC's trunk that predicts how two windows of an image are positioned.

IIC archs/segmentation/baselines/net10a_doersch.py and net10a_isola.py.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from infoseg_bench.images.upsampling import upsampled_window
from infoseg_bench.training.net10a import Net10aTrunk, Padding, initialise

Place = tuple[int, int]
"""Row and column of a window's centre, in pixels of the image."""
AnyPlace = Place | tuple[Int64[Tensor, ""], Int64[Tensor, ""]]
"""The same, or numbers on the network's device."""


class PairNetwork(nn.Module):
    """The trunk, a branch that both windows of its upsampled map go through, and a classifier.

    With the published sizes, the layer that combines both windows has 2 x 1024 x 11^2 x 1024 =
    253 755 392 weights.
    """

    def __init__(
        self,
        channels: int,
        outputs: int,
        *,
        width: int = 64,
        padding: Padding = "published",
        patch: int = 11,
        branch: int = 1024,
        hidden: int = 1024,
    ) -> None:
        """Create the network with IIC's initial weights.

        Args:
            channels: channels of the input
            outputs: number of outputs to predict for a pair
            width: channels of the trunk's first layer
            padding: padding of the trunk's convolutions, published or corrected
            patch: side of the windows in pixels
            branch: channels of the branch
            hidden: units of the classifier's hidden layer
        """
        super().__init__()
        self.patch = patch
        self.trunk = Net10aTrunk(channels, width, padding)
        self.branch = nn.Sequential(
            nn.Conv2d(self.trunk.out_channels, branch, 3, padding=1, bias=False),
            nn.BatchNorm2d(branch),
            nn.ReLU(inplace=True),
        )
        self.join = nn.Linear(2 * branch * patch**2, hidden)
        self.classifier = nn.Sequential(nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Linear(hidden, outputs))
        self.apply(initialise)

    def forward(
        self, images: Float[Tensor, "batch channel size size"], first: AnyPlace, second: AnyPlace
    ) -> Float[Tensor, "batch output"]:
        """Return the outputs for the windows around two places, which are the same in all images."""
        features, size = self.trunk(images), images.shape[-1]
        windows = [
            self.branch(
                upsampled_window(features, row - self.patch // 2, column - self.patch // 2, self.patch, size)
            )
            for row, column in (first, second)
        ]
        joined = self.join(torch.cat([window.flatten(1) for window in windows], dim=1))
        outputs: Tensor = self.classifier(joined)
        return outputs
