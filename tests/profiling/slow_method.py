"""Methods whose steps take a known time, for the tests of estimated costs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, ClassVar

import torch
from torch import Tensor

from infoseg_bench.contracts import Method, Parameters, Progress, parameter
from infoseg_bench.data.train_images import TrainImages

STEP_SECONDS = 0.01


class SlowParameters(Parameters):
    """What the cost depends on."""

    batch: int = parameter(2, "images per step", source="test")
    width: int = parameter(1, "of nothing", source="test")


class Slow(Method):
    """Does nothing, slowly."""

    name = "slow"
    title = "Slow"
    citation = "none"
    is_iterative = True
    parameters_type = SlowParameters
    presets: ClassVar[dict[str, dict[str, Any]]] = {"other": {"batch": 3}}
    seconds: ClassVar[float] = STEP_SECONDS

    def __init__(self, parameters: Parameters, task: Any, run: Any) -> None:
        """Take everything."""
        super().__init__(parameters, task, run)
        self.step = 0

    def fit(self, train: TrainImages) -> Iterator[Progress]:
        """Sleep in every step."""
        while self.step < self.run.steps:
            time.sleep(self.seconds)
            self.step += 1
            yield Progress(step=self.step, scalars={})

    def predict(self, images: Tensor) -> Tensor:
        """Find one cluster."""
        return torch.zeros(images.shape[0], *images.shape[2:], dtype=torch.int64)

    def state(self) -> dict[str, Any]:
        """Hold the step."""
        return {"step": self.step}

    def load_state(self, state: dict[str, Any]) -> None:
        """Take the step."""
        self.step = state["step"]


class Stuck(Slow):
    """Never ends its first step."""

    name = "stuck"
    seconds = 600.0
