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
from infoseg_bench.training import step_graphs
from infoseg_bench.training.graphable_method import GraphableMethod

CUDA = torch.device("cuda")
CLASSES = 3
PHOTOS = 8
SIZES = {"coco": (3, 128), "potsdam": (4, 200)}
"""Channels and crop."""
PLAIN = {"brightness": 0, "contrast": 0, "saturation": 0, "hue": 0}
"""No jitter, which is most of the operations; some cases add it."""
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
    "features-kmeans": {"weights": "random", "layer": 12, "pixels": 64},
}
JITTER = {"brightness": 0.5, "contrast": 0.5, "saturation": 0.5, "hue": 0.5}
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
    "ac": [{"arl_weight": 0.5, "attention": 1}, {"compare": "grid", "training_mask": True}],
    "inmars": [{"adversary_start": 0, "training_mask": True}],
    "doersch": [
        {**JITTER, "directions": "published", "cluster_sampling": "published", "training_mask": True},
    ],
    "isola": [{**JITTER, "neighbours": "published", "training_mask": True}],
}
"""Choices of parameters that act together."""

Choices = dict[str, Any]
"""The kind of photo, as `size`, and a value of every parameter that has a choice."""


def all_choices(cls: type[Method]) -> dict[str, list[Any]]:
    """Return what can be chosen, the default first; what may be 0 is so, or is not."""
    defaults = cls.resolve("none", SMALL.get(cls.name, {}))
    found: dict[str, list[Any]] = {"size": list(SIZES)}
    for name, field in cls.parameters_type.model_fields.items():
        value = getattr(defaults, name)
        if name == "precision":
            found[name] = [value, "bfloat16"]
        elif get_origin(field.annotation) is Literal:
            found[name] = [value, *(choice for choice in get_args(field.annotation) if choice != value)]
        elif isinstance(value, bool):
            found[name] = [value, not value]
        elif value == 0 or any(getattr(limit, "ge", None) == 0 for limit in field.metadata):
            found[name] = [value, 0 if value else 0.5 if isinstance(value, float) else 1]
    return found


def cases(cls: type[Method]) -> Iterator[tuple[Choices, bool]]:
    """Give the defaults on each kind of photo at each precision, then every choice with all of these.

    Such a case has a pair that is missing, and of each other parameter the choice that adds most (the greedy
    way of Cohen et al., "The AETG System", 1997).

    Returns:
        choices, and whether they are the defaults
    """
    choices = all_choices(cls)
    kinds = [name for name in ("size", "precision") if name in choices]
    pairs = [
        {kind: value, name: other}
        for kind in kinds for value in choices[kind]
        for name in choices if name != kind for other in choices[name]
    ]  # fmt: skip
    missing = {pair for case in pairs for pair in _pairs(case)}

    def added(case: Choices) -> int:
        return len(missing & _pairs(case)) if _valid(cls, case) else -1

    for values in itertools.product(*(choices[kind] for kind in kinds)):
        case = _nearest(cls, choices, dict(zip(kinds, values, strict=True)))
        assert case is not None
        missing -= _pairs(case)
        yield case, True
    for wanted in [*TOGETHER.get(cls.name, []), *pairs]:
        if wanted in pairs and not missing & _pairs(wanted):
            continue
        if case := _nearest(cls, choices, wanted):
            for name in [name for name in choices if name not in wanted]:
                case = max(({**case, name: value} for value in choices[name]), key=added)
            missing -= _pairs(case)
            yield case, False


def _pairs(case: Choices) -> set[tuple[tuple[str, Any], tuple[str, Any]]]:
    """Return what goes together with the kind of photo and with the precision."""
    kinds = [(name, case[name]) for name in ("size", "precision") if name in case]
    return {(kind, other) for kind in kinds for other in case.items() if other != kind}


def _nearest(cls: type[Method], choices: dict[str, list[Any]], wanted: Choices) -> Choices | None:
    """Return the defaults with what is wanted and at most one other choice; None where nothing is valid."""
    defaults = {name: values[0] for name, values in choices.items()}
    beside = [{}, *({name: value} for name, values in choices.items() for value in values[1:])]
    tried = ({**defaults, **other, **wanted} for other in beside)
    return next((case for case in tried if _valid(cls, case)), None)


def resolve(cls: type[Method], case: Choices) -> Any:
    """Return the parameters of a case.

    Raises:
        UsageError: where they contradict each other, or the kind of photo
    """
    if case["size"] == "potsdam" and case.get("sobel"):
        raise UsageError("infrared has no place in Sobel's input")
    return cls.resolve("none", {**SMALL.get(cls.name, {}), **{n: v for n, v in case.items() if n != "size"}})


def _valid(cls: type[Method], case: Choices) -> bool:
    try:
        resolve(cls, case)
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

    def __init__(self, cls: type[Method], choices: Choices, again: bool, *, graphs: bool = False) -> None:
        size, chosen, self.again = choices["size"], resolve(cls, choices), again
        channels, crop = SIZES[size]
        task = Task(dataset="fake", channels=channels, crop=crop, clusters=CLASSES)
        self.method = cls(chosen, task, RunContext(seed=0, device=CUDA, steps=100, cuda_graph=graphs))
        arrays, view = ARRAYS[size], view_of(crop)
        pixels = len(arrays.pixels)
        self.train = TrainImages(
            arrays, view.train, crop=crop, seed=0, device=CUDA,
            mask=np.ones(pixels, dtype=bool) if cls.label_use(chosen) == "mask" else None,
            maps={found.name: np.zeros(pixels, dtype=np.int16) for found in cls.photo_maps(chosen)},
        )  # fmt: skip
        self.evaluation = EvaluationSet(arrays, view, protocol="corrected", device=CUDA)

    def do(self, folder: Path) -> dict[str, int]:
        """Train a step, evaluate, save and load; some train another step.

        Returns:
            the waits of the training steps
        """
        steps = self.method.fit(self.train)
        waits = self._trained(steps, folder)
        self.method.before_evaluation(self.train)
        counts = count(
            self.method.predict, self.evaluation,
            n_clusters=CLASSES, n_classes=CLASSES, should_stop=lambda: False,
        )  # fmt: skip
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


def graph_outcome(cls: type[Method]) -> dict[str, Any]:
    """Let steps be CUDA graphs, of the method's defaults in mixed precision; predict, and load a state.

    Returns:
        what was raised, waits, and the numbers of graphs before and after the state was loaded
    """
    told: dict[str, Any] = {"graphs of": cls.name, "error": None, "waits": {}, "recorded": []}
    try:
        case = Case(cls, {"size": "coco", "precision": "bfloat16"}, True, graphs=True)
        assert isinstance(case.method, GraphableMethod)
        steps = case.method.fit(case.train)
        for again in range(2):
            for _ in range(step_graphs.WARM_UP + 2):
                # The same draws every time, so that it is the same graph.
                case.method.step = 0
                MODE.waits.clear()
                next(steps)
                told["waits"].update(MODE.waits)
            assert case.method._graphs is not None
            told["recorded"].append(len(case.method._graphs._graphs))
            if not again:
                case.method.before_evaluation(case.train)
                count(
                    case.method.predict, case.evaluation,
                    n_clusters=CLASSES, n_classes=CLASSES, should_stop=lambda: False,
                )  # fmt: skip
                case.method.load_state(snapshot(case.method.state()))
    except Exception as error:
        told["error"] = _described(error)
    return told


def outcome(cls: type[Method], choices: Choices, again: bool, folder: Path) -> dict[str, Any]:
    """Do one case; what it raises is part of the outcome."""
    told: dict[str, Any] = {"method": cls.name, "choices": choices, "error": None, "waits": {}}
    try:
        told["waits"] = Case(cls, choices, again).do(folder)
    except Exception as error:
        told["error"] = _described(error)
    return told


def _described(error: Exception) -> str:
    found = traceback.extract_tb(error.__traceback__)
    frames = [f for f in found if f.filename.startswith(f"{ROOT}/") and "/.venv/" not in f.filename]
    line = (str(error).splitlines() or [""])[0][:200]
    return f"{type(error).__name__}: {line} ({frames[-1].filename}:{frames[-1].lineno})"


def main(names: list[str]) -> None:
    """Do all cases of the methods named."""
    registry = load_methods()
    with MODE.active(), tempfile.TemporaryDirectory() as folder:
        for name in names:
            cls = registry.method(name)
            for choices, default in cases(cls):
                print(json.dumps(outcome(cls, choices, default, Path(folder))), flush=True)
            if cls.is_iterative:
                print(json.dumps(graph_outcome(cls)), flush=True)


ARRAYS = {name: arrays_of(*size) for name, size in SIZES.items()}

if __name__ == "__main__":
    main(sys.argv[1:])
