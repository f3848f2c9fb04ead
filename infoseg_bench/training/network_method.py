"""The training loop of every method that is a network and a loss."""

from __future__ import annotations

import logging
import math
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cached_property
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from typing_extensions import TypeVar

from infoseg_bench.contracts import Method, Parameters, Progress, RunContext, Task, parameter
from infoseg_bench.data.train_images import TrainBatch, TrainImages
from infoseg_bench.training.distributed_batch_norm import (
    Losses,
    distribute,
    sum_of_ranks,
    synchronise_batch_norm,
)
from infoseg_bench.utils.device import allow_tf32

LOG = logging.getLogger(__name__)
FUSED = ("cpu", "cuda")
"""Devices on which one pass over the weights does all of Adam; elsewhere torch chooses."""


class TrainingParameters(Parameters):
    """What every such method needs; a method's own parameters extend these."""

    batch: int = parameter(64, "images per step", source="chosen by this project", gt=1)
    lr: float = parameter(1e-4, "learning rate of Adam", source="chosen by this project", gt=0)
    weight_decay: float = parameter(0.0, "weight decay of Adam", source="chosen by this project", ge=0)
    schedule: Literal["constant", "cosine"] = parameter(
        "constant", "course of the learning rate over the budget", source="chosen by this project"
    )
    precision: Literal["float32", "tf32", "bfloat16"] = parameter(
        "float32",
        "of the network's convolutions and matrix products: float32; tf32, which differs on NVIDIA GPUs only "
        "(factors rounded to 10 bits); or bfloat16, mixed precision, in which weights, optimiser, losses "
        "and the sums of normalisations stay float32",
        source="chosen by this project: the paper names none",
    )
    train_crop: int | None = parameter(
        None,
        "side of the training crops in pixels; none: the data set's",
        source="chosen by this project",
        ge=16,
        multiple_of=4,
    )


T = TypeVar("T", bound=TrainingParameters, default=Any)
"""Parameters of a method that trains a network."""


class NetworkMethod(Method[T]):
    """A network, an objective, and the loop around them.

    A method adds `build`, `losses` and `predict`, and names its parameters in brackets:
    `class IIC(NetworkMethod[IICParameters])`. Every step draws its randomness from the seed
    and its own number, so a checkpoint is the weights, the optimiser and the step.

    Under mixed precision what convolutions and matrix products give is bfloat16, with eight
    significant bits. Take it to float32 (`.float()`) before a softmax, an argmax, a logarithm or a
    mean: on the CPU nothing else does so.

    Several processes each take an equal part of every batch. Gradients, batch statistics and the
    scalars are means over all of it. What else `losses` relates images to, such as InfoSeg's x', it
    finds within its own process's part, unless it passes sums over images through `summed`.
    """

    is_iterative: ClassVar[bool] = True
    supports_distributed: ClassVar[bool] = True
    uses_all_parameters: ClassVar[bool] = False
    """A promise that every step uses every weight: several processes need not look for unused ones."""
    training_only: ClassVar[frozenset[str]] = frozenset({"optimiser", "step"})
    uses_graphs: bool = False
    """Whether steps are CUDA graphs, which `fit` decides."""

    def __init__(self, parameters: T, task: Task, run: RunContext) -> None:
        """Draw the initial weights from the run's seed."""
        super().__init__(parameters, task, run)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(run.generator("weights").initial_seed())
            network = self.build()
        if run.ranks.count > 1:
            network = synchronise_batch_norm(network, run.device)
        self.network = network.to(run.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        if run.compile:
            _compile(self.network)
        self.step = 0
        self._step_losses: Losses = self.losses

    @cached_property
    def optimiser(self) -> torch.optim.Adam:
        """Adam on the network's weights, made by the first step: torch imports its compiler for it."""
        return torch.optim.Adam(
            self.network.parameters(), lr=self.parameters.lr, weight_decay=self.parameters.weight_decay,
            fused=True if self.run.device.type in FUSED else None,
        )  # fmt: skip

    @abstractmethod
    def build(self) -> nn.Module:
        """Make the network, on the CPU; torch's global generator is seeded for it."""

    @abstractmethod
    def losses(self, batch: TrainBatch, generator: torch.Generator) -> dict[str, Tensor]:
        """Compute "loss", which is minimised, and whatever else is worth a curve.

        It runs at the parameters' precision; what it gives should be float32.
        """

    def summed(self, values: Tensor) -> Tensor:
        """Sum over all processes what `losses` has summed over its part of the batch."""
        return values if self.run.ranks.count == 1 else sum_of_ranks(values)

    def clear_gradients(self) -> None:
        """Forget the last step's gradients: weights that the next step does not reach stay as they are."""
        self.optimiser.zero_grad(set_to_none=True)

    def autocast(self) -> AbstractContextManager[object]:
        """Compute at the parameters' precision inside this context."""
        mixed = self.parameters.precision == "bfloat16"
        return torch.autocast(self.run.device.type, dtype=torch.bfloat16, enabled=mixed)

    @contextmanager
    def inference(self) -> Iterator[None]:
        """Let `predict` call the network: in evaluation mode, without gradients, at its precision.

        A compiled network is called uncompiled: it would be compiled again for every size of a batch.
        """
        self.network.eval()
        uncompiled = torch.compiler.set_stance("force_eager") if self.run.compile else nullcontext()
        with torch.no_grad(), self.rounding(), self.autocast(), uncompiled:
            yield

    @contextmanager
    def rounding(self) -> Iterator[None]:
        """Let a GPU round float32 to TF32 inside this context if `precision` says so, and never otherwise."""
        if self.run.device.type != "cuda":
            yield
            return
        before = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
        allow_tf32(self.parameters.precision == "tf32")
        try:
            yield
        finally:
            torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = before

    def fit(self, train: TrainImages) -> Iterator[Progress]:
        """Train until the budget's number of steps."""
        reason = self.why_not_graphs(train) if self.run.cuda_graph else "not asked for"
        self.uses_graphs = not reason
        if self.run.cuda_graph and reason:
            LOG.warning("%s trains without CUDA graphs: %s", self.name, reason)
        if self.run.ranks.count > 1:
            self._step_losses = distribute(
                self.network, self.losses, uses_all_parameters=self.uses_all_parameters
            )
        while self.step < self.run.steps:
            with self.rounding():
                scalars = self.next_step(train)
            self.step += 1
            yield Progress(step=self.step, scalars=scalars)

    def why_not_graphs(self, train: TrainImages) -> str:
        """Return why steps cannot be CUDA graphs here; empty if they can (see `GraphableMethod`)."""
        return "it draws random numbers within its losses"

    def next_step(self, train: TrainImages) -> dict[str, float | Tensor]:
        """Train one step."""
        return self._train_step(train.batch(self.step, self.parameters.batch, self.parameters.train_crop))

    def _train_step(self, batch: TrainBatch) -> dict[str, float | Tensor]:
        generator = self.begin_step()
        scalars = self.descend(lambda: self._step_losses(batch, generator), self.rate())
        return dict(self.run.ranks.mean(scalars))

    def begin_step(self) -> torch.Generator:
        """Prepare what a step does not do on the device; return its generator."""
        self.network.train()
        ranks = self.run.ranks
        generator = self.run.generator("step", self.step, *([ranks.rank] if ranks.rank else []))
        # Dropout draws from the global generator.
        torch.manual_seed(generator.initial_seed())
        return generator

    def descend(self, losses: Callable[[], dict[str, Tensor]], rate: float | Tensor) -> dict[str, Tensor]:
        """Compute losses and move the weights; everything in it happens on the device."""
        self.set_rate(rate)
        with self.autocast():
            scalars = losses()
        self.clear_gradients()
        scalars["loss"].backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        return {name: value.detach() for name, value in scalars.items()}

    def rate(self) -> float:
        """Return the learning rate of this step."""
        factor = 1.0
        if self.parameters.schedule == "cosine":
            factor = 0.5 * (1.0 + math.cos(math.pi * self.step / self.run.steps))
        return self.parameters.lr * factor

    def set_rate(self, rate: float | Tensor) -> None:
        """Set the optimiser's learning rate: a tensor for a CUDA graph, which reads it anew."""
        # torch warns of an optimiser that may be recorded, and is not.
        recording = isinstance(rate, Tensor) and rate.is_cuda and torch.cuda.is_current_stream_capturing()
        for group in self.optimiser.param_groups:
            group.update(lr=rate, capturable=recording)

    def state(self) -> dict[str, Any]:
        """Return weights, optimiser (None before the first step) and step."""
        return {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict() if "optimiser" in vars(self) else None,
            "step": self.step,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Take weights, optimiser and step."""
        self.network.load_state_dict(state["network"])
        if state["optimiser"] is not None:
            self.optimiser.load_state_dict(state["optimiser"])
        elif "optimiser" in vars(self):
            self.optimiser.state.clear()
        self.step = state["step"]


def _compile(network: nn.Module) -> None:
    """Let torch.compile fuse what methods call: the network, or the parts of one that is a dictionary."""
    for part in network.values() if isinstance(network, nn.ModuleDict) else [network]:
        part.compile()
