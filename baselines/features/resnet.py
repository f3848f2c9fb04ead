"""ResNets (He et al., 2016) with the names of torchvision's modules, which most files of weights use.

The sizes are read from the shapes of the weights: blocks of two convolutions (ResNet-18, 34) or three
(ResNet-50 and deeper, with the stride in the second one, as in torchvision models/resnet.py:108-114).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from infoseg_bench.baselines.features.backbone import Backbone

Weights = Mapping[str, Tensor]


class ResNet(Backbone):
    """A ResNet without pooling and classifier.

    Attributes:
        stride: pixels per position of the last stage
        depth: number of stages
    """

    stride, depth = 32, 4

    def __init__(self, weights: Weights) -> None:
        """Build the network that weights belong to; its own weights are random.

        Raises:
            KeyError: they are not those of a ResNet
        """
        super().__init__()
        self.conv1 = _convolution(weights["conv1.weight"], stride=2)
        self.bn1 = nn.BatchNorm2d(self.conv1.out_channels)
        for stage in range(1, self.depth + 1):
            prefix = f"layer{stage}."
            blocks = len({name.split(".")[1] for name in weights if name.startswith(prefix)})
            strides = [1 if stage == 1 else 2, *[1] * (blocks - 1)]
            parts = [_Block(weights, f"{prefix}{index}.", stride) for index, stride in enumerate(strides)]
            self.add_module(f"layer{stage}", nn.Sequential(*parts))

    def forward(
        self, images: Float[Tensor, "batch 3 height width"], layer: int
    ) -> Float[Tensor, "batch feature rows columns"]:
        """Return the output of a stage.

        Args:
            images: normalised images
            layer: number of the stage, counted from the end: 1 is the last one, of stride 32
        """
        maps = F.max_pool2d(F.relu(self.bn1(self.conv1(images))), 3, stride=2, padding=1)
        for stage in range(1, self.depth - layer + 2):
            maps = self.get_submodule(f"layer{stage}")(maps)
        return maps


class _Block(nn.Module):
    def __init__(self, weights: Weights, prefix: str, stride: int) -> None:
        super().__init__()
        self.depth = 3 if f"{prefix}conv3.weight" in weights else 2
        for index in range(1, self.depth + 1):
            filters = weights[f"{prefix}conv{index}.weight"]
            strided = stride if index == self.depth - 1 else 1
            self.add_module(f"conv{index}", _convolution(filters, stride=strided))
            self.add_module(f"bn{index}", nn.BatchNorm2d(filters.shape[0]))
        self.downsample: nn.Module = nn.Identity()
        if f"{prefix}downsample.0.weight" in weights:
            filters = weights[f"{prefix}downsample.0.weight"]
            parts = _convolution(filters, stride=stride), nn.BatchNorm2d(filters.shape[0])
            self.downsample = nn.Sequential(*parts)

    def forward(
        self, maps: Float[Tensor, "batch input height width"]
    ) -> Float[Tensor, "batch output rows columns"]:
        found = maps
        for index in range(1, self.depth + 1):
            found = self.get_submodule(f"bn{index}")(self.get_submodule(f"conv{index}")(found))
            found = F.relu(found) if index < self.depth else found
        return F.relu(found + self.downsample(maps))


def _convolution(filters: Tensor, *, stride: int) -> nn.Conv2d:
    outputs, inputs, side, _ = filters.shape
    return nn.Conv2d(inputs, outputs, side, stride=stride, padding=side // 2, bias=False)
