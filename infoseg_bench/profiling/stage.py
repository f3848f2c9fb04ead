"""A method set up to train, on prepared photos or on random ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from infoseg_bench.contracts import Method, Parameters, RunContext, Task
from infoseg_bench.data.catalogue import PreparedDataset
from infoseg_bench.data.store import StoreArrays
from infoseg_bench.data.train_images import TrainBatch, TrainImages
from infoseg_bench.runs.assemble import task_of

ENDLESS = 10**9
"""Steps of a run that is only measured."""
MARGIN = 1.25
"""Sides of random photos as a multiple of the crop's, so that crops move; chosen by this project."""
PHOTOS = 512
"""Random photos, unless a batch is larger; chosen by this project."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Where a method is measured.

    Attributes:
        task: channels, crop and number of clusters
        arrays: photos
        train: indices of those to train on
    """

    task: Task
    arrays: StoreArrays
    train: np.ndarray

    def images(self, method: Method) -> RecordedImages:
        """Return the photos to train on; a mask, where the method uses one, leaves nothing out."""
        masked = method.label_use(method.parameters) == "mask"
        return RecordedImages(
            self.arrays,
            self.train,
            crop=self.task.crop,
            seed=0,
            device=method.run.device,
            mask=np.ones(len(self.arrays.pixels), dtype=bool) if masked else None,
        )

    def make(
        self, cls: type[Method], parameters: Parameters, device: torch.device, *, compile: bool = False
    ) -> Method:
        """Make the method."""
        return cls(parameters, self.task, RunContext(seed=0, device=device, steps=ENDLESS, compile=compile))


class RecordedImages(TrainImages):
    """Remembers what was asked for, so that it can be asked for again by itself.

    Attributes:
        asked: sizes and crops of the batches so far
    """

    asked: tuple[tuple[int, int | None], ...] = ()

    def batch(self, step: int, size: int, crop: int | None = None) -> TrainBatch:
        """Return the batch of one step, as `TrainImages` does."""
        self.asked += ((size, crop),)
        return super().batch(step, size, crop)


def random_stage(*, channels: int = 3, crop: int = 128, clusters: int = 15, dataset: str = "random") -> Stage:
    """Set up random photos; the values are those of COCO-Stuff (PAPER 5.3), which decide the work."""
    side = int(MARGIN * crop)
    pixels = np.random.default_rng(0).integers(0, 256, (PHOTOS * side * side, channels), dtype=np.uint8)
    arrays = StoreArrays(
        pixels=pixels,
        labels=None,
        sizes=np.full((PHOTOS, 2), side, dtype=np.int32),
        labelled=np.zeros(PHOTOS, dtype=bool),
    )
    task = Task(dataset=dataset, channels=channels, crop=crop, clusters=clusters)
    return Stage(task=task, arrays=arrays, train=np.arange(PHOTOS))


def prepared_stage(prepared: PreparedDataset) -> Stage:
    """Set up the photos of a prepared data set."""
    return Stage(
        task=task_of(prepared),
        arrays=prepared.store.arrays(labels=False),
        train=prepared.view.train,
    )
