"""The method to check, with functions that create it, fit it and give it photos."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from infoseg_bench.contracts import Method, RunContext, Task
from infoseg_bench.data.store import Store, StoreArrays
from infoseg_bench.data.train_images import TrainImages
from infoseg_bench.method_checks.check_photos import CLASSES, CROP, NAME, write_check_store
from infoseg_bench.runs.photo_map_files import load_photo_maps

CPU = torch.device("cpu")
STEPS = 3
"""Training steps of a fit; chosen by this project."""
BATCH = 4
"""Default batch size, if the method has a parameter `batch`; chosen by this project, for eight photos."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A method to check.

    Attributes:
        cls: the method
        folder: folder for stores, empty or with the stores of earlier checks
        settings: parameters that make the method fast
    """

    cls: type[Method]
    folder: Path
    settings: Mapping[str, Any] = field(default_factory=dict)

    def make(
        self, *, seed: int = 0, channels: int = 3, device: torch.device = CPU, **settings: Any
    ) -> Method:
        """Return the method for `CLASSES` clusters and `STEPS` steps, with further parameters `settings`."""
        small = {"batch": BATCH} if "batch" in self.cls.parameters_type.model_fields else {}
        parameters = self.cls.resolve(NAME, {**small, **self.settings, **settings})
        task = Task(dataset=NAME, channels=channels, crop=CROP, clusters=CLASSES)
        return self.cls(parameters, task, RunContext(seed=seed, device=device, steps=STEPS))

    def store(self, *, channels: int = 3) -> Path:
        """Return the path of a store of random photos, which is written at the first call."""
        path = self.folder / f"photos-{channels}.h5"
        return path if path.exists() else write_check_store(path, channels=channels)

    def train_images(
        self, method: Method, path: Path | None = None, arrays: StoreArrays | None = None
    ) -> TrainImages:
        """Return training images as the harness does, with the photo maps that the method requests."""
        store = Store(path or self.store(channels=method.task.channels))
        arrays = arrays or store.arrays(labels=False)
        maps = load_photo_maps(method.photo_maps(method.parameters), store, arrays)
        return TrainImages(arrays, store.view(NAME).train, crop=CROP, seed=0, device=CPU, maps=maps)

    def fitted(self, path: Path | None = None, **making: Any) -> Method:
        """Return the method after a complete fit and `before_evaluation`; `making` as in `make`."""
        method = self.make(**making)
        self.finish(method, path)
        return method

    def finish(self, method: Method, path: Path | None = None) -> None:
        """Fit a method from its current step to the end, and call `before_evaluation`."""
        for _ in method.fit(self.train_images(method, path)):
            pass
        method.before_evaluation(self.train_images(method, path))


def images(channels: int = 3) -> Tensor:
    """Return three random images of the size of the crop."""
    return torch.rand(3, channels, CROP, CROP, generator=torch.Generator().manual_seed(7))


def state_digest(state: Any) -> str:
    """Return the SHA-256 of a method's state, which consists of tensors and plain values."""
    digest = hashlib.sha256()
    for key, value in _flat(state):
        digest.update(key.encode())
        digest.update(value.cpu().numpy().tobytes() if isinstance(value, Tensor) else repr(value).encode())
    return digest.hexdigest()


def _flat(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _flat(part, f"{key}.{name}")
    elif isinstance(value, list | tuple):
        for index, part in enumerate(value):
            yield from _flat(part, f"{key}[{index}]")
    else:
        yield key, value
