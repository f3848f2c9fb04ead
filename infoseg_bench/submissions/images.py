"""Writes the scored images as files, so that any software can segment exactly these."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image

from infoseg_bench.data.catalogue import PreparedDataset
from infoseg_bench.data.evaluation_set import EvaluationSet
from infoseg_bench.errors import UserError
from infoseg_bench.utils.atomic import write_atomic
from infoseg_bench.utils.progress import ProgressFactory


def write_images(prepared: PreparedDataset, folder: Path, progress: ProgressFactory) -> int:
    """Write the centre crop of every scored photo as `ID.png`, padded with black.

    Returns:
        number of images

    Raises:
        UserError: no photo is scored, the photos do not have three channels, or the folder cannot be written
    """
    if not len(prepared.view.evaluation):
        raise UserError(f"{prepared.view.name}: no photo to score: prepare it again with labels")
    if prepared.store.channels != 3:
        raise UserError(
            f"{prepared.view.name}: its {prepared.store.channels} channels cannot be written as PNG: read "
            "the store with Python instead"
        )
    view, ids = prepared.view, prepared.store.ids()
    names = [ids[photo] for photo in view.evaluation]
    photos = EvaluationSet(
        prepared.store.arrays(labels=True), view, protocol=next(iter(view.tables)), device=torch.device("cpu")
    )
    for name, (images, _) in zip(progress(names, "writing images"), photos.batches(1), strict=True):
        pixels = (images[0] * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
        photo = Image.fromarray(pixels)
        write_atomic(folder / f"{name}.png", lambda handle, it=photo: it.save(handle, "PNG"), durable=False)  # type: ignore[misc]
    return len(names)
