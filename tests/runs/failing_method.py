"""A plug-in whose methods go wrong in different ways."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import torch

from infoseg_bench.contracts import Method, Parameters, Progress


class _Failing(Method):
    title = "Failing"
    citation = "none"
    is_iterative = True
    parameters_type = Parameters

    def fit(self, train: Any) -> Iterator[Progress]:
        yield Progress(step=1, scalars={"loss": 1.0})
        self.go_wrong()
        yield Progress(step=2, scalars={"loss": self.loss()})

    def go_wrong(self) -> None:
        """Do nothing wrong yet."""

    def loss(self) -> float:
        return 1.0

    def predict(self, images: torch.Tensor) -> torch.Tensor:
        return torch.zeros(images.shape[0], *images.shape[2:], dtype=torch.int64)

    def state(self) -> dict[str, Any]:
        return {}

    def load_state(self, state: dict[str, Any]) -> None:
        """There is none."""


class Raising(_Failing):
    name = "raising"

    def go_wrong(self) -> None:
        raise ZeroDivisionError("by design")


class Dying(_Failing):
    name = "dying"

    def go_wrong(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class Diverging(_Failing):
    name = "diverging"

    def loss(self) -> float:
        return float("nan")


class Straying(_Failing):
    name = "straying"

    def predict(self, images: torch.Tensor) -> torch.Tensor:
        return super().predict(images) + 5


class Collapsing(_Failing):
    name = "collapsing"
