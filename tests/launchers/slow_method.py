"""A plug-in whose runs take their time at no cost, so that they can be disturbed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import torch

from infoseg_bench.contracts import Method, Parameters, Progress, RunContext, Task
from infoseg_bench.data.train_images import TrainImages


class Slow(Method):
    """Follows the brightness of its batches, so that every step and their order count."""

    name = "slow"
    title = "Slow"
    citation = "none"
    is_iterative = True
    parameters_type = Parameters

    def __init__(self, parameters: Parameters, task: Task, run: RunContext) -> None:
        super().__init__(parameters, task, run)
        self.step, self.brightness = 0, 0.5

    def fit(self, train: TrainImages) -> Iterator[Progress]:
        while self.step < self.run.steps:
            self.brightness += 0.1 * (float(train.batch(self.step, 2).images.mean()) - self.brightness)
            self.step += 1
            time.sleep(0.04)
            yield Progress(step=self.step, scalars={"loss": self.brightness})

    def predict(self, images: torch.Tensor) -> torch.Tensor:
        # Every digit counts.
        return (1e4 * images.mean(dim=1) + 1e6 * self.brightness).long() % self.task.clusters

    def state(self) -> dict[str, Any]:
        return {"step": self.step, "brightness": self.brightness}

    def load_state(self, state: dict[str, Any]) -> None:
        self.step, self.brightness = state["step"], state["brightness"]
