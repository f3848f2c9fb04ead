"""The Sobel channels that IIC adds to its COCO inputs."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from infoseg_bench.utils.device import constant

GREY_WEIGHTS = (0.299, 0.587, 0.114)
"""Red, green and blue in OpenCV's conversion to grey (IIC utils/segmentation/transforms.py:7-20)."""
KERNELS = (
    ((1.0, 0.0, -1.0), (2.0, 0.0, -2.0), (1.0, 0.0, -1.0)),
    ((1.0, 2.0, 1.0), (0.0, 0.0, 0.0), (-1.0, -2.0, -1.0)),
)
"""Horizontal and vertical derivative (IIC utils/cluster/transforms.py:47-96)."""


def append_sobel(
    images: Float[Tensor, "batch channel height width"],
) -> Float[Tensor, "batch channel_and_2 height width"]:
    """Append the two derivatives of the grey image, computed with zero padding of one pixel.

    Args:
        images: red, green and blue first, values in [0, 1]
    """
    like = images.device, images.dtype
    grey = torch.einsum("bchw,c->bhw", images[:, :3], constant(GREY_WEIGHTS, like))
    kernels = constant(KERNELS, like)[:, None]
    return torch.cat([images, F.conv2d(grey[:, None], kernels, padding=1)], dim=1)
