"""The training side of a data set: images, without any access to labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Bool, Float, Int16, Int64, UInt8
from torch import Tensor

from infoseg_bench.data.crops import CropPlan, PhotoIndex, draw_places, gather_images
from infoseg_bench.data.store import StoreArrays
from infoseg_bench.errors import UsageError
from infoseg_bench.utils.device import place, send
from infoseg_bench.utils.distributed import SINGLE, Ranks
from infoseg_bench.utils.randomness import generator


@dataclass(frozen=True, kw_only=True)
class TrainBatch:
    """A batch of random crops.

    Attributes:
        images: values in [0, 1]; zero where padded
        inside: False where padded
        mask: pixels that are not void; None unless the method has declared that it uses the mask
        maps: the photo maps that the method requested, by name; -1 where padded
    """

    images: Float[Tensor, "batch channel crop crop"]
    inside: Bool[Tensor, "batch crop crop"]
    mask: Bool[Tensor, "batch crop crop"] | None
    maps: Mapping[str, Int64[Tensor, "batch crop crop"]] = field(default_factory=dict)


class TrainImages:
    """Random crops of the training photos, batched on the device.

    The photos of step `s` depend only on the seed and on `s`: every epoch is a permutation of all photos, and
    batches continue across epochs without leaving any photo out. So a resumed run sees exactly the same
    batches as one that was never interrupted.

    Attributes:
        crop: side of the crops in pixels, unless another is passed to `batch`
        channels: number of channels of the images
        taken: number of crops returned so far
    """

    def __init__(
        self,
        arrays: StoreArrays,
        photos: Int64[np.ndarray, " photo"],
        *,
        crop: int,
        seed: int,
        device: torch.device,
        mask: Bool[np.ndarray, " pixel"] | None = None,
        maps: Mapping[str, Int16[np.ndarray, " pixel"]] | None = None,
        pixels: UInt8[Tensor, "pixel channel"] | None = None,
        ranks: Ranks = SINGLE,
        scored: Int64[np.ndarray, " scored"] | None = None,
    ) -> None:
        """Create the training images; of `arrays`, only pixels and sizes are kept.

        Args:
            arrays: arrays of the whole store; labels in it are not read
            photos: indices of the training photos
            crop: side of the crops in pixels, unless another is passed to `batch`
            seed: seed of the order of photos and of the places of crops
            device: device of the batches
            mask: False for void pixels, one value per pixel of `arrays.pixels`
            maps: photo maps by name, one value per pixel of `arrays.pixels`
            pixels: `arrays.pixels` if they are on the device already
            ranks: the processes that divide every batch among them
            scored: indices of the photos that `centre_batches` yields; None: the training photos
        """
        starts = np.concatenate([[0], np.cumsum(arrays.sizes.astype(np.int64).prod(axis=1))])[:-1]
        self._pixels = place(arrays.pixels, device) if pixels is None else pixels
        self._mask = None if mask is None else torch.from_numpy(mask).to(self._pixels.device)
        self._maps = {name: place(values, device) for name, values in (maps or {}).items()}
        self._index = PhotoIndex(arrays.sizes[photos], starts[photos])
        scored = photos if scored is None else scored
        self._scored = PhotoIndex(arrays.sizes[scored], starts[scored])
        self.crop = crop
        self.channels = int(arrays.pixels.shape[1])
        self._device = device
        self._seed = seed
        self.taken = 0
        self._ranks = ranks
        self._orders: dict[int, Int64[Tensor, " photo"]] = {}

    def __len__(self) -> int:
        return len(self._index.starts)

    def batch(self, step: int, size: int, crop: int | None = None) -> TrainBatch:
        """Return the batch of one step; each of several processes gets a part of the same batch.

        Args:
            step: number of the step, from 0
            size: images in the batch, over all processes
            crop: side of the crops in pixels; None: that of the data set

        Raises:
            UsageError: the batch is larger than the data set, or cannot be divided among the processes
        """
        return self.cut(self.plan(step, size, crop).to(self.store_device))

    def plan(self, step: int, size: int, crop: int | None = None) -> CropPlan:
        """Return the places of a step's batch, on the host; arguments and errors are those of `batch`."""
        if size > len(self):
            raise UsageError(
                f"batch={size} is larger than the data set's {len(self)} training photos: "
                "choose a smaller one"
            )
        if size % self._ranks.count or (self._ranks.count > 1 and size < 2 * self._ranks.count):
            raise UsageError(
                f"batch={size} cannot be divided among {self._ranks.count} processes: choose a multiple of "
                f"{self._ranks.count} that leaves each at least 2 photos"
            )
        self.taken += size
        part = self._ranks.part(size)
        draws = draw_places(size, generator(self._seed, "crops", step))[part]
        return self._index.random(self._photos(step, size)[part], crop or self.crop, draws)

    def cut(self, plan: CropPlan) -> TrainBatch:
        """Return the crops at the places of a plan that is on `store_device`."""
        return TrainBatch(
            images=to_float(send(gather_images(self._pixels, plan), self._device)),
            inside=send(plan.inside, self._device),
            mask=None if self._mask is None else send(self._mask[plan.index] & plan.inside, self._device),
            maps={name: self._cut(values, plan) for name, values in self._maps.items()},
        )

    @property
    def store_device(self) -> torch.device:
        """Where the photos are: the device of the batches, or the host if they are too large for it."""
        return self._pixels.device

    @property
    def scored(self) -> int:
        """Number of photos that `centre_batches` yields."""
        return len(self._scored.starts)

    def centre_batches(self, size: int) -> Iterator[TrainBatch]:
        """Yield the centre crops of the scored photos in their order, `size` at a time, without labels.

        Some methods fit clusters of their features on them, as published; every process gets all of them.
        """
        for photos in torch.split(torch.arange(self.scored), size):
            yield self.cut(self._scored.centre(photos, self.crop).to(self.store_device))

    def _cut(self, values: Tensor, plan: CropPlan) -> Int64[Tensor, "batch crop crop"]:
        inside = plan.inside.to(values.device)
        crops = values[plan.index.to(values.device)].masked_fill(~inside, -1)
        return send(crops, self._device).long()

    def _photos(self, step: int, size: int) -> Int64[Tensor, " batch"]:
        first, last = step * size, (step + 1) * size
        epochs = range(first // len(self), (last - 1) // len(self) + 1)
        order = torch.cat([self._permutation(epoch) for epoch in epochs])
        return order[first - epochs[0] * len(self) :][:size]

    def _permutation(self, epoch: int) -> Int64[Tensor, " photo"]:
        if epoch not in self._orders:
            kept = {past: order for past, order in self._orders.items() if past == epoch - 1}
            order = torch.randperm(len(self), generator=generator(self._seed, "epoch", epoch))
            self._orders = {**kept, epoch: order}
        return self._orders[epoch]


def to_float(images: UInt8[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Scale 0..255 to [0, 1], as IIC does (datasets/segmentation/cocostuff.py:183)."""
    return images / 255.0
