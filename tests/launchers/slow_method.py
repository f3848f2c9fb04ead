"""A plug-in whose runs cost nothing, and wait to be disturbed where the file `brake` beside it says so.

A test copies it to a folder of its own, which every node can read.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from infoseg_bench.contracts import Method, Parameters, Progress, RunContext, Task
from infoseg_bench.data.train_images import TrainImages

BRAKE = Path(__file__).with_name("brake")
SECONDS = 0.5
"""A step beyond the brake's: what is to happen there has a minute to happen, and a stop is soon obeyed."""


class Slow(Method):
    """Follows the brightness of its batches, so that every step and their order count."""

    name = "slow"
    title = "Slow"
    citation = "none"
    is_iterative = True
    supports_distributed = True
    parameters_type = Parameters

    def __init__(self, parameters: Parameters, task: Task, run: RunContext) -> None:
        super().__init__(parameters, task, run)
        self.step, self.brightness = 0, 0.5

    def fit(self, train: TrainImages) -> Iterator[Progress]:
        while self.step < self.run.steps:
            mean = self.run.ranks.mean({"": train.batch(self.step, 4).images.mean()})[""]
            self.brightness += 0.1 * (float(mean) - self.brightness)
            self.step += 1
            if self.step > _last_free_step():
                time.sleep(SECONDS)
            yield Progress(step=self.step, scalars={"loss": self.brightness})

    def predict(self, images: torch.Tensor) -> torch.Tensor:
        # Every digit counts.
        return (1e4 * images.mean(dim=1) + 1e6 * self.brightness).long() % self.task.clusters

    def state(self) -> dict[str, Any]:
        return {"step": self.step, "brightness": self.brightness}

    def load_state(self, state: dict[str, Any]) -> None:
        self.step, self.brightness = state["step"], state["brightness"]


def _last_free_step() -> float:
    try:
        return int(BRAKE.read_text())
    except FileNotFoundError:
        return math.inf
