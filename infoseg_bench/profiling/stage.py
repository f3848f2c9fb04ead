"""A task with photos, prepared or random, on which methods are measured."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int16

from infoseg_bench.contracts import DatasetRecipe, Method, Parameters, RunContext, Task
from infoseg_bench.data.catalogue import PreparedDataset
from infoseg_bench.data.store import StoreArrays
from infoseg_bench.data.train_images import TrainBatch, TrainImages
from infoseg_bench.runs.loading import task_of

ENDLESS = 2**30
"""Budget in steps of a run that is only measured."""
RANDOM = Task(dataset="random", channels=3, crop=128, clusters=15)
"""The sizes of COCO-Stuff, the largest data set of the paper (PAPER 5.3)."""
REGION = 9
"""Side in pixels of the square regions in a made-up photo map; gives as many regions as InMARS has
superpixels, 200 in 128x128."""
MARGIN = 1.25
"""Side of random photos divided by that of crops, so that crops vary; chosen by this project."""
PHOTOS = 512
"""Number of random photos; chosen by this project."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """The data on which a method is measured.

    Attributes:
        task: channels, crop and number of clusters
        arrays: the photos
        train: indices of the training photos
    """

    task: Task
    arrays: StoreArrays
    train: np.ndarray

    def images(self, method: Method) -> RecordedImages:
        """Return the training images; if the method uses a mask, nothing is void; photo maps have squares."""
        masked = method.label_use(method.parameters) == "mask"
        return RecordedImages(
            self.arrays,
            self.train,
            crop=self.task.crop,
            seed=0,
            device=method.run.device,
            mask=np.ones(len(self.arrays.pixels), dtype=bool) if masked else None,
            maps={wanted.name: _squares(self.arrays) for wanted in method.photo_maps(method.parameters)},
        )

    def make(
        self,
        cls: type[Method],
        parameters: Parameters,
        device: torch.device,
        *,
        compile: bool = False,
        cuda_graph: bool = False,
    ) -> Method:
        """Return the method, initialised with seed 0."""
        run = RunContext(seed=0, device=device, steps=ENDLESS, compile=compile, cuda_graph=cuda_graph)
        return cls(parameters, self.task, run)


class RecordedImages(TrainImages):
    """Training images that record the batches requested, so that these can be timed separately.

    Attributes:
        asked: sizes and crops of the batches so far
    """

    asked: tuple[tuple[int, int | None], ...] = ()

    def batch(self, step: int, size: int, crop: int | None = None) -> TrainBatch:
        """Return the batch of one step, as `TrainImages` does."""
        self.asked += ((size, crop),)
        return super().batch(step, size, crop)


def random_stage(task: Task = RANDOM) -> Stage:
    """Return a stage with random photos."""
    side = int(MARGIN * task.crop)
    random = np.random.default_rng(0)
    arrays = StoreArrays(
        pixels=random.integers(0, 256, (PHOTOS * side * side, task.channels), dtype=np.uint8),
        labels=None,
        sizes=np.full((PHOTOS, 2), side, dtype=np.int32),
        labelled=np.zeros(PHOTOS, dtype=bool),
    )
    return Stage(task=task, arrays=arrays, train=np.arange(PHOTOS))


def unprepared_task(dataset: str, recipes: Mapping[str, type[DatasetRecipe]]) -> Task:
    """Return the task of a data set that is not prepared, with its recipe's sizes or else COCO-Stuff's."""
    sizes = recipes[dataset].sizes if dataset in recipes else None
    if sizes is None:
        return dataclasses.replace(RANDOM, dataset=dataset)
    channels, crop, clusters = sizes
    return Task(dataset=dataset, channels=channels, crop=crop, clusters=clusters)


def prepared_stage(prepared: PreparedDataset) -> Stage:
    """Return a stage with the photos of a prepared data set."""
    return Stage(
        task=task_of(prepared),
        arrays=prepared.store.arrays(labels=False),
        train=prepared.view.train,
    )


def _squares(arrays: StoreArrays) -> Int16[np.ndarray, " pixel"]:
    maps = []
    for height, width in arrays.sizes:
        across = -(-width // REGION)
        numbers = np.arange(height)[:, None] // REGION * across + np.arange(width) // REGION
        # In a very large photo, regions far apart have the same number.
        maps.append((numbers % np.iinfo(np.int16).max).astype(np.int16).ravel())
    return np.concatenate(maps)
