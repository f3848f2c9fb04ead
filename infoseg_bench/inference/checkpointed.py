"""Predictions of a finished run on evaluation images, from its checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from infoseg_bench.data.catalogue import PreparedDataset
from infoseg_bench.data.evaluation_set import EvaluationSet
from infoseg_bench.data.store import StoreArrays
from infoseg_bench.errors import UserError
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.runs.assemble import Setting, make_method, train_images
from infoseg_bench.runs.checkpoint import trained_state
from infoseg_bench.runs.prediction import EVALUATION_BATCH
from infoseg_bench.utils.device import place


@dataclass(frozen=True, eq=False)
class Photos:
    """A data set's evaluation images, read once for all runs on it.

    Attributes:
        prepared: store and view
        arrays: arrays of the store
        pixels: pixels of `arrays` as a tensor
        images: images with values in [0, 1]
        labels: class indices, or VOID
    """

    prepared: PreparedDataset
    arrays: StoreArrays
    pixels: Tensor
    images: Tensor
    labels: Tensor


def read_photos(prepared: PreparedDataset, protocol: str) -> Photos:
    """Read evaluation images and labels on the CPU."""
    arrays = prepared.store.arrays(labels=True)
    device = torch.device("cpu")
    pixels = place(arrays.pixels, device)
    images = EvaluationSet(arrays, prepared.view, protocol=protocol, device=device, pixels=pixels)
    batches = list(images.batches(EVALUATION_BATCH))
    return Photos(
        prepared,
        arrays,
        pixels,
        torch.cat([batch for batch, _ in batches]),
        torch.cat([labels for _, labels in batches]),
    )


@torch.no_grad()
def predict(
    folder: RunFolder, photos: Photos, chosen: Sequence[int], *, setting: Setting
) -> Int64[np.ndarray, "chosen height width"]:
    """Return the clusters of some evaluation images, predicted from the run's checkpoint.

    Args:
        folder: folder of a finished run
        photos: evaluation images of its data set
        chosen: indices of evaluation images
        setting: device, and plug-ins that may contain the method

    Raises:
        UserError: there is no checkpoint, or it does not fit the run
    """
    spec, state = folder.spec(), trained_state(folder)
    method = make_method(spec, photos.prepared, setting)
    try:
        method.load_state({**method.state(), **state})
    except (RuntimeError, KeyError, ValueError) as error:
        raise UserError(
            f"{folder.checkpoint_file.name} of {folder.path.name} does not fit its spec ({error})"
        ) from None
    train = train_images(
        photos.arrays, photos.prepared, method, protocol=spec.protocol, pixels=photos.pixels, maps={}
    )
    method.before_evaluation(train)
    clusters = method.predict(photos.images[list(chosen)])
    return np.asarray(clusters.numpy())


def to_bytes(images: Tensor) -> UInt8[np.ndarray, "image height width 3"]:
    """Return the first three channels of images in [0, 1] as 8-bit RGB; one channel becomes grey."""
    colours = images[:, :3] if images.shape[1] >= 3 else images[:, :1].expand(-1, 3, -1, -1)
    return np.asarray((255 * colours).round().byte().permute(0, 2, 3, 1).numpy())
