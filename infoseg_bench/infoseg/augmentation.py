"""Optional augmentation of training batches; the paper mentions none."""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from infoseg_bench.data.train_images import TrainBatch
from infoseg_bench.images.color_jitter import color_jitter
from infoseg_bench.images.mirror import draw_mirrored, mirror

JITTER = {"brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.125}
"""IIC's colour jitter on COCO (scripts/segmentation/segmentation_twohead.py:101-104)."""


def flipped(batch: TrainBatch, generator: torch.Generator) -> TrainBatch:
    """Mirror each image, with its mask, with a probability of one half."""
    mirrored = draw_mirrored(len(batch.images), generator)
    return replace(
        batch,
        images=mirror(batch.images, mirrored),
        inside=mirror(batch.inside, mirrored),
        mask=None if batch.mask is None else mirror(batch.mask, mirrored),
    )


def jittered(
    images: Float[Tensor, "batch channel height width"], generator: torch.Generator
) -> Float[Tensor, "batch channel height width"]:
    """Jitter colours as IIC does; infrared is not changed."""
    return color_jitter(images, **JITTER, generator=generator)
