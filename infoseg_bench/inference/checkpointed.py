"""Predictions of a finished run on evaluation images, from its checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from infoseg_bench.data.catalogue import PreparedDataset
from infoseg_bench.data.evaluation_set import EvaluationSet
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.runs.loading import load_method, task_of
from infoseg_bench.runs.prediction import EVALUATION_BATCH, predictor


@dataclass(frozen=True, eq=False)
class EvaluationImages:
    """A data set's evaluation images, read once for all runs on it.

    Attributes:
        prepared: the data set
        images: centre crops, float `image channel crop crop`, values in [0, 1]
        labels: class indices or VOID, uint8 `image crop crop`
    """

    prepared: PreparedDataset
    images: Tensor
    labels: Tensor


def read_images(prepared: PreparedDataset, protocol: str) -> EvaluationImages:
    """Return the evaluation images and labels of a data set, on the CPU."""
    images = EvaluationSet(
        prepared.store.arrays(labels=True), prepared.view, protocol=protocol, device=torch.device("cpu")
    )
    batches = list(images.batches(EVALUATION_BATCH))
    return EvaluationImages(
        prepared, torch.cat([batch for batch, _ in batches]), torch.cat([labels for _, labels in batches])
    )


@torch.no_grad()
def predict(
    folder: RunFolder, images: EvaluationImages, chosen: Sequence[int], *, plugins: Sequence[Path] = ()
) -> Int64[np.ndarray, "chosen height width"]:
    """Return the clusters of some evaluation images, predicted from the run's checkpoint.

    Args:
        folder: folder of a finished run
        images: evaluation images of its data set
        chosen: indices of evaluation images
        plugins: files with more methods

    Raises:
        UserError: there is no checkpoint, or it does not fit the run
    """
    task = task_of(images.prepared)
    method = load_method(folder, task, device=torch.device("cpu"), plugins=plugins)
    segment = predictor(method, folder.spec().postprocess)
    return np.asarray(segment(images.images[list(chosen)]).numpy())


def to_bytes(images: Tensor) -> UInt8[np.ndarray, "image height width 3"]:
    """Return the first three channels of images in [0, 1] as 8-bit RGB; one channel becomes grey."""
    colours = images[:, :3] if images.shape[1] >= 3 else images[:, :1].expand(-1, 3, -1, -1)
    return np.asarray((255 * colours).round().byte().permute(0, 2, 3, 1).numpy())
