"""What the clustering needs of a frozen network, whoever wrote it."""

from __future__ import annotations

from abc import ABC, abstractmethod

from jaxtyping import Float
from torch import Tensor, nn

Colour = tuple[float, float, float]


class Backbone(nn.Module, ABC):
    """A network that makes features of images.

    Attributes:
        stride: pixels of which the sides of images should be multiples
        depth: number of layers with features: blocks or stages
        mean, deviation: of red, green and blue, with which images are normalised
    """

    stride: int
    depth: int
    # Of ImageNet, with which DINO (eval_linear.py:69), DINOv2 and torchvision train.
    mean: Colour = (0.485, 0.456, 0.406)
    deviation: Colour = (0.229, 0.224, 0.225)

    def weights(self) -> dict[str, Tensor]:
        """Return the weights with the names of the released code."""
        return self.state_dict()

    @abstractmethod
    def forward(
        self, images: Float[Tensor, "batch 3 height width"], layer: int
    ) -> Float[Tensor, "batch feature rows columns"]:
        """Return the features after a layer.

        Args:
            images: normalised images, whose sides are multiples of the stride
            layer: number of the layer, counted from the end: 1 is the last one
        """
