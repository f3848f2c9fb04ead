"""Optional augmentation of training batches; the paper mentions none."""

from __future__ import annotations

from dataclasses import replace

from jaxtyping import Bool
from torch import Tensor

from infoseg_bench.data.train_images import TrainBatch
from infoseg_bench.images.color_jitter import ColorJitter
from infoseg_bench.images.mirror import mirror

JITTER = ColorJitter(brightness=0.4, contrast=0.4, saturation=0.4, hue=0.125)
"""IIC's colour jitter on COCO (scripts/segmentation/segmentation_twohead.py:101-104)."""


def flipped(batch: TrainBatch, mirrored: Bool[Tensor, " batch"]) -> TrainBatch:
    """Mirror the chosen images, with their masks."""
    return replace(
        batch,
        images=mirror(batch.images, mirrored),
        inside=mirror(batch.inside, mirrored),
        mask=None if batch.mask is None else mirror(batch.mask, mirrored),
    )
