"""Network methods that draw all their random numbers before a step, so that it can be a CUDA graph."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from infoseg_bench.data.crops import CropPlan
from infoseg_bench.data.train_images import TrainBatch, TrainImages
from infoseg_bench.training.network_method import NetworkMethod, T
from infoseg_bench.training.step_graphs import CudaRecorder, Inputs, StepGraphs
from infoseg_bench.utils.device import send

Draws = Mapping[str, Any]
"""What a step draws, by name. Tensors keep their shapes and types; whatever else there is must be hashable,
and steps in which it is equal do the same operations."""


class GraphableMethod(NetworkMethod[T]):
    """A network method whose steps can be CUDA graphs, with the run option `--cuda-graph`.

    Instead of `losses`, a method adds `draw` and `objective`. A graph repeats operations and does not run
    Python again, so nothing that `objective` depends on changes from step to step but the batch, the draws
    and the weights, and it never waits for the device.
    """

    _graphs: StepGraphs | None = None

    @abstractmethod
    def draw(self, shape: torch.Size, generator: torch.Generator) -> Draws:
        """Draw all random numbers of a step, and return them with whatever determines its operations.

        Args:
            shape: `batch channel height width` of the step's images
            generator: of the CPU
        """

    @abstractmethod
    def objective(self, batch: TrainBatch, drawn: Draws) -> dict[str, Tensor]:
        """Return "loss", which is minimised, and other values for the curve; all on the device."""

    def losses(self, batch: TrainBatch, generator: torch.Generator) -> dict[str, Tensor]:
        """Draw, and compute the objective."""
        drawn = self.draw(batch.images.shape, generator)
        device = batch.images.device
        return self.objective(
            batch,
            {
                name: send(value, device) if isinstance(value, Tensor) else value
                for name, value in drawn.items()
            },
        )

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned; graphs of other memory are forgotten."""
        super().load_state(state)
        if self._graphs is not None:
            self._graphs.clear()

    def why_not_graphs(self, train: TrainImages) -> str:
        """Return the reason why steps cannot be CUDA graphs; empty if they can."""
        if self.run.device.type != "cuda":
            return f"{self.run.device.type} has none"
        if self.run.ranks.count > 1:
            return "several processes train one run"
        if train.store_device.type != "cuda":
            return "the photos are too large for the GPU's memory"
        return ""

    def next_step(self, train: TrainImages) -> dict[str, float | Tensor]:
        """Train one step, by a graph if graphs are in use."""
        if not self.uses_graphs:
            return super().next_step(train)
        if self._graphs is None:
            self._graphs = StepGraphs(CudaRecorder(self.run.device))
        generator, chosen = self.begin_step(), self.parameters
        plan = train.plan(self.step, chosen.batch, chosen.train_crop)
        count, _, crop = plan.places.shape
        drawn = self.draw(torch.Size((count, train.channels, crop, crop)), generator)
        tensors = {name: value for name, value in drawn.items() if isinstance(value, Tensor)}
        course = {name: value for name, value in drawn.items() if name not in tensors}

        def step(inputs: Inputs) -> dict[str, Tensor]:
            batch = train.cut(CropPlan(places=inputs["crop places"], within=inputs["crop within"]))
            return self.descend(lambda: self.objective(batch, {**inputs, **course}), inputs["rate"])

        inputs = {"crop places": plan.places, "crop within": plan.within, "rate": torch.tensor(self.rate())}
        try:
            # Adam begins to move weights when they first have gradients, such as another head's.
            moved = len(self.optimiser.state)
            return dict(self._graphs(step, {**inputs, **tensors}, (*sorted(course.items()), moved)))
        finally:
            self.set_rate(self.rate())
