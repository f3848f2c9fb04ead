"""The evaluation side of a data set: centre crops with their labels. Only the harness has access to it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64, UInt8
from torch import Tensor

from infoseg_bench.data.crops import PhotoIndex, gather_images
from infoseg_bench.data.store import StoreArrays
from infoseg_bench.data.train_images import to_float
from infoseg_bench.data.view import VOID, View
from infoseg_bench.errors import unknown_name
from infoseg_bench.utils.device import place, send


class EvaluationSet:
    """Centre crops of the view's shown photos, one per photo, in a fixed order.

    These are the scored photos with their labels. In a data set without labels, every pixel of a photo has
    the label 0 and only padding is void, so that clusters can be counted in the same way.
    """

    def __init__(
        self,
        arrays: StoreArrays,
        view: View,
        *,
        protocol: str,
        device: torch.device,
        pixels: UInt8[Tensor, "pixel channel"] | None = None,
    ) -> None:
        """Create the set; `pixels` are those of `arrays` if they are on the device already.

        Raises:
            UsageError: the view has no such protocol
        """
        if protocol not in view.tables:
            raise unknown_name(f"protocol of {view.name}", protocol, view.tables)
        if arrays.labels is None:
            raise ValueError("the arrays were read without labels")
        areas = arrays.sizes.astype(np.int64).prod(axis=1)
        photos = view.shown
        starts = np.cumsum(areas) - areas
        label_starts = np.cumsum(areas * arrays.labelled) - areas * arrays.labelled
        self._pixels = place(arrays.pixels, device) if pixels is None else pixels
        self._labels = torch.from_numpy(arrays.labels)
        self._table = torch.from_numpy(view.tables[protocol]) if view.is_scored else None
        self._images = PhotoIndex(arrays.sizes[photos], starts[photos])
        self._maps = PhotoIndex(arrays.sizes[photos], label_starts[photos])
        self._crop = view.crop
        self._device = device

    def __len__(self) -> int:
        return len(self._images.starts)

    def sample(
        self, size: int
    ) -> tuple[Float[Tensor, "image channel crop crop"], Bool[Tensor, "image crop crop"]]:
        """Return at most `size` images, evenly spaced over the set, and which pixels are not padding."""
        chosen = torch.linspace(0, len(self) - 1, min(size, len(self))).round().long()
        plan = self._images.centre(chosen, self._crop).to(self._pixels.device)
        return to_float(send(gather_images(self._pixels, plan), self._device)), send(
            plan.inside, self._device
        )

    def batches(
        self, size: int
    ) -> Iterator[tuple[Float[Tensor, "batch channel crop crop"], UInt8[Tensor, "batch crop crop"]]]:
        """Return images in [0, 1] and class labels, VOID where void or padded, `size` at a time."""
        for start in range(0, len(self), size):
            yield self.batch(torch.arange(start, min(start + size, len(self))))

    def batch(
        self, places: Int64[Tensor, " batch"]
    ) -> tuple[Float[Tensor, "batch channel crop crop"], UInt8[Tensor, "batch crop crop"]]:
        """Return the images in [0, 1] and class labels, VOID where void or padded, at places of the set."""
        plan = self._images.centre(places, self._crop).to(self._pixels.device)
        maps = self._maps.centre(places, self._crop)
        if self._table is None:
            labels = torch.zeros_like(maps.inside, dtype=torch.uint8)
        else:
            labels = self._table[self._labels[maps.index].long()]
        labels = labels.masked_fill(~maps.inside, VOID)
        images = to_float(send(gather_images(self._pixels, plan), self._device))
        return images, send(labels, self._device)
