"""Predictions of a few fixed images in the course of training, and an animation of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image, ImageDraw

from infoseg_bench.data.evaluation_set import EvaluationSet
from infoseg_bench.data.view import VOID
from infoseg_bench.images.palette import default_palette
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.records.record import FinishedRecord, Record
from infoseg_bench.runs.prediction import Predict
from infoseg_bench.utils.atomic import write_atomic

FRAME_MS, LAST_FRAME_MS = 400, 2000
"""Milliseconds for which a frame of the animation is shown; chosen by this project."""
TITLE = 14
"""Height in pixels of the line above the images that shows the step; chosen by this project."""


class Snapshots:
    """Appends predictions to a run's `snapshots.npz`.

    The file contains `images`, uint8 `image height width 3`; `steps`, int64 `step`; and `clusters`, uint8
    `step image height width` with VOID in padding.
    """

    def __init__(self, folder: RunFolder, images: EvaluationSet, count: int) -> None:
        """Choose `count` images, evenly spaced over the evaluation images."""
        self._path = folder.snapshots_file
        self._images, self._inside = images.sample(count)

    @torch.no_grad()
    def take(self, predict: Predict, step: int) -> None:
        """Add the predictions of a step.

        Predictions of the same and later steps, left over from an interrupted session, are removed.

        Raises:
            UserError: the disk is full
        """
        clusters = predict(self._images).to(torch.uint8).masked_fill(~self._inside, VOID)
        steps, maps = [np.array([step])], [clusters.cpu().numpy()[None]]
        if self._path.exists():
            with np.load(self._path) as before:
                earlier = before["steps"] < step
                steps.insert(0, before["steps"][earlier])
                maps.insert(0, before["clusters"][earlier])
        # Without the infrared channel.
        photos = (255 * self._images[:, :3]).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
        arrays: dict[str, Any] = {
            "images": photos,
            "steps": np.concatenate(steps),
            "clusters": np.concatenate(maps),
        }
        write_atomic(self._path, lambda file: np.savez_compressed(file, **arrays))


def animate(folder: RunFolder, record: Record) -> None:
    """Write `snapshots.gif`: images above, predictions below, one frame per step.

    Clusters have the colours of the classes to which the last evaluation matches them.
    """
    with np.load(folder.snapshots_file) as snapshots:
        images, steps, clusters = (snapshots[name] for name in ("images", "steps", "clusters"))
    colours = _colours(record, int(clusters[clusters != VOID].max(initial=0)) + 1)
    frames = [_frame(images, colours[maps], int(step)) for step, maps in zip(steps, clusters, strict=True)]
    times = [FRAME_MS] * (len(frames) - 1) + [LAST_FRAME_MS]
    write_atomic(
        folder.film_file,
        lambda file: frames[0].save(
            file, format="GIF", save_all=True, append_images=frames[1:], duration=times, loop=0
        ),
    )


def _colours(record: Record, clusters: int) -> UInt8[np.ndarray, "256 3"]:
    """Return the colour of every cluster; black for VOID and for clusters without a class."""
    table = np.zeros((256, 3), dtype=np.uint8)
    if isinstance(record, FinishedRecord):
        for cluster, cls in enumerate(record.last.one_to_one.matching):
            table[cluster] = record.dataset.palette[cls] if cls >= 0 else 0
    else:
        table[:clusters] = default_palette(clusters)
    return table


def _frame(
    images: UInt8[np.ndarray, "image height width 3"],
    maps: UInt8[np.ndarray, "image height width 3"],
    step: int,
) -> Image.Image:
    rows: Sequence[np.ndarray] = [np.concatenate(list(row), axis=1) for row in (images, maps)]
    picture = np.pad(np.concatenate(rows), ((TITLE, 0), (0, 0), (0, 0)), constant_values=255)
    frame = Image.fromarray(picture)
    ImageDraw.Draw(frame).text((2, 1), f"step {step}", fill="black")
    return frame
