"""Does with methods on the fake GPU what a run does, and prints what came of it, as JSON lines.

python -m tests.fake_cuda.methods METHOD...
"""

from __future__ import annotations

import itertools
import json
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from tests.fake_cuda.device import MODE, ROOT

# isort: split
import numpy as np
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor
from torch.utils._pytree import tree_leaves

from infoseg_bench.contracts import Method, Progress, RunContext, Task
from infoseg_bench.contracts.registry import load_methods
from infoseg_bench.data.evaluation_set import EvaluationSet
from infoseg_bench.data.store import StoreArrays
from infoseg_bench.data.train_images import TrainImages
from infoseg_bench.data.view import View
from infoseg_bench.errors import UsageError
from infoseg_bench.records.curve import Curve
from infoseg_bench.runs.checkpoint_writer import snapshot
from infoseg_bench.runs.prediction import count
from infoseg_bench.runs.step_log import StepLog

CUDA = torch.device("cuda")
CLASSES = 3
PHOTOS = 8
SIZES = {"coco": (3, 128), "potsdam": (4, 200)}
"""Channels and crop."""
PLAIN = {"brightness": 0, "contrast": 0, "saturation": 0, "hue": 0}
"""No jitter, which is most of the operations; variants add it."""
JITTER = {"brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.1}
PAIRS = {**PLAIN, "width": 4, "branch": 8, "hidden": 8, "batch": 2, "cluster_pixels": 64}
SMALL: dict[str, dict[str, Any]] = {
    "infoseg": {"width": 4, "P": 16, "batch": 4},
    "ac": {"width": 4, "blocks": 3, "batch": 4, "radius": 4},
    "inmars": {"width": 4, "batch": 4},
    # A step is a pass over the photos, so each of two steps trains another head.
    "iic": {**PLAIN, "width": 4, "batch": PHOTOS, "radius": 4},
    "doersch": PAIRS,
    "isola": PAIRS,
    "random-cnn": {"width": 4},
    "kmeans": {"sample": 500},
}
TOGETHER: dict[str, list[dict[str, Any]]] = {
    "infoseg": [
        {"estimator": "iic", "training_mask": True, "batch_norm": True},
        {"pairing": "permuted", "training_mask": True, "flip": True, "jitter": "view"},
        {"estimator": "donsker-varadhan", "assignment": "hard"},
    ],
    "iic": [
        {**JITTER, "padding": "published", "channel_order": "published", "collapsed": True},
        {**JITTER, "training_mask": True},
    ],
    "ac": [{"arl_weight": 1.0, "attention": 8}, {"compare": "grid", "training_mask": True}],
    "inmars": [{"adversary_start": 0.0, "training_mask": True}],
    "doersch": [
        {**JITTER, "directions": "published", "cluster_sampling": "published", "training_mask": True},
    ],
    "isola": [{**JITTER, "neighbours": "published", "training_mask": True}],
}
"""Variants in which parameters act together."""


def variants(cls: type[Method]) -> Iterator[dict[str, Any]]:
    """Give the defaults, then each parameter's other choices; what may be 0 is so, or is not."""
    choices = list(_choices(cls))
    yield {}
    for choice in choices:
        # Some choices need another one beside them.
        tried = ({**beside, **choice} for beside in [{}, *choices])
        yield next(changes for changes in tried if _valid(cls, changes))
    yield from TOGETHER.get(cls.name, [])


def _choices(cls: type[Method]) -> Iterator[dict[str, Any]]:
    defaults = cls.resolve("none", SMALL.get(cls.name, {}))
    for name, field in cls.parameters_type.model_fields.items():
        value = getattr(defaults, name)
        if name == "precision":
            continue
        if get_origin(field.annotation) is Literal:
            yield from ({name: choice} for choice in get_args(field.annotation) if choice != value)
        elif isinstance(value, bool):
            yield {name: not value}
        elif value == 0 or any(getattr(limit, "ge", None) == 0 for limit in field.metadata):
            yield {name: 0 if value else 0.5 if isinstance(value, float) else 1}


def _valid(cls: type[Method], changes: dict[str, Any]) -> bool:
    try:
        cls.resolve("none", {**SMALL.get(cls.name, {}), **changes})
    except UsageError:
        return False
    return True


def arrays_of(channels: int, crop: int) -> StoreArrays:
    """Make random photos, one of them smaller than the crop."""
    sizes = np.full((PHOTOS, 2), crop + 16, dtype=np.int32)
    sizes[0, 0] = crop - 8
    areas = sizes.astype(np.int64).prod(axis=1)
    pixels = np.random.default_rng(0).integers(0, 256, (int(areas.sum()), channels), dtype=np.uint8)
    labels = np.zeros(len(pixels), dtype=np.uint8)
    return StoreArrays(pixels=pixels, labels=labels, sizes=sizes, labelled=np.ones(PHOTOS, dtype=bool))


def view_of(crop: int) -> View:
    """Make a data set of all photos."""
    table = np.full(256, 255, dtype=np.uint8)
    table[:CLASSES] = range(CLASSES)
    return View(
        name="fake", title="fake", classes=("a", "b", "c"), palette=((0, 0, 0),) * CLASSES,
        tables={"corrected": table}, train=np.arange(PHOTOS), evaluation=np.arange(2), crop=crop,
    )  # fmt: skip


class Case:
    """One method with one choice of parameters on one kind of photo."""

    def __init__(self, cls: type[Method], size: str, changes: dict[str, Any]) -> None:
        channels, crop = SIZES[size]
        chosen = cls.resolve("none", {**SMALL.get(cls.name, {}), **_channels(cls, size), **changes})
        task = Task(dataset="fake", channels=channels, crop=crop, clusters=CLASSES)
        self.method = cls(chosen, task, RunContext(seed=0, device=CUDA, steps=100))
        self.again = not set(changes) - {"precision"}
        arrays, view = ARRAYS[size], view_of(crop)
        pixels = len(arrays.pixels)
        self.train = TrainImages(
            arrays, view.train, crop=crop, seed=0, device=CUDA,
            mask=np.ones(pixels, dtype=bool) if cls.label_use(chosen) == "mask" else None,
            maps={found.name: np.zeros(pixels, dtype=np.int16) for found in cls.photo_maps(chosen)},
        )  # fmt: skip
        self.evaluation = EvaluationSet(arrays, view, protocol="corrected", device=CUDA)

    def do(self, folder: Path) -> dict[str, int]:
        """Train a step, evaluate, save and load; the defaults also train another step.

        Returns:
            the waits of the training steps
        """
        steps = self.method.fit(self.train)
        waits = self._trained(steps, folder)
        self.method.before_evaluation(self.train)
        counts = count(self.method, self.evaluation, n_classes=CLASSES, should_stop=lambda: False)
        assert counts.shape == (2, CLASSES, CLASSES)
        saved = snapshot(self.method.state())
        tensors = [leaf for leaf in tree_leaves(saved) if isinstance(leaf, Tensor)]
        assert not any(isinstance(leaf, FakeTensor) for leaf in tensors)
        self.method.load_state(saved)
        return {**waits, **self._trained(steps, folder)} if self.again else waits

    def _trained(self, steps: Iterator[Progress], folder: Path) -> dict[str, int]:
        if not self.method.is_iterative:
            list(steps)
            return {}
        MODE.waits.clear()
        progress = next(steps)
        waits = dict(MODE.waits)
        log = StepLog(Curve(folder / "curve.jsonl", resume_at=0, evaluated=-1))
        log.see(progress.step, progress.scalars)
        log.keep(progress.step, progress.scalars)
        for name, value in progress.scalars.items():
            assert isinstance(value, Tensor), name
            assert value.is_cuda, f"{name} is on the host"
            assert value.dtype == torch.float32, f"{name} is {value.dtype}"
        return waits


def _channels(cls: type[Method], size: str) -> dict[str, Any]:
    """Return the preset of Potsdam that four channels need."""
    infrared = size == "potsdam" and "sobel" in cls.parameters_type.model_fields
    return {"sobel": False} if infrared else {}


def cases(cls: type[Method]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the defaults on both kinds of photo at both precisions, and variants in turns."""
    mixed = {"precision": "bfloat16"} if "precision" in cls.parameters_type.model_fields else {}
    turns = itertools.cycle([("coco", {}), ("potsdam", mixed)])
    for changes in variants(cls):
        kinds = [next(turns)] if changes else itertools.product(SIZES, ({}, mixed) if mixed else ({},))
        for size, precision in kinds:
            yield size, {**changes, **precision}


def outcome(cls: type[Method], size: str, changes: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Do one case; what it raises is part of the outcome."""
    told: dict[str, Any] = {"method": cls.name, "size": size, "changes": changes, "error": None, "waits": {}}
    try:
        told["waits"] = Case(cls, size, changes).do(folder)
    except Exception as error:
        frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.startswith(f"{ROOT}/")]
        line = (str(error).splitlines() or [""])[0][:200]
        told["error"] = f"{type(error).__name__}: {line} ({frames[-1].filename}:{frames[-1].lineno})"
    return told


def main(names: list[str]) -> None:
    """Do all cases of the methods named."""
    registry = load_methods()
    with MODE.active(), tempfile.TemporaryDirectory() as folder:
        for name in names:
            cls = registry.method(name)
            for size, changes in cases(cls):
                print(json.dumps(outcome(cls, size, changes, Path(folder))), flush=True)


ARRAYS = {name: arrays_of(*size) for name, size in SIZES.items()}

if __name__ == "__main__":
    main(sys.argv[1:])
