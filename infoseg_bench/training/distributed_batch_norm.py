"""One training step over several processes: gradients and batch statistics of the whole batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch import distributed as dist
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parallel import DistributedDataParallel

from infoseg_bench.information.precision import at_least_float32

Losses = Callable[..., dict[str, Tensor]]


def distribute(network: nn.Module, losses: Losses, *, uses_all_parameters: bool) -> Losses:
    """Make `losses` average its gradients over the processes in the backward pass.

    All of a step's calls of the network happen inside one forward pass of the module that torch's
    DistributedDataParallel sees, so a method may call its network as often as it likes, and in
    parts. Weights start as those of rank 0.

    Args:
        network: what is trained
        losses: its objective
        uses_all_parameters: no step leaves weights out, such as another head's; else they are looked for at
            every step, which takes a pass over its graph

    Raises:
        RuntimeError: by what `losses` becomes, where `uses_all_parameters` is wrong
    """
    together = DistributedDataParallel(
        _Objective(network, losses), find_unused_parameters=not uses_all_parameters
    )
    return cast(Losses, together)


def synchronise_batch_norm(network: nn.Module, device: torch.device) -> nn.Module:
    """Let batch normalisation see the whole batch, of which each process has an equal share.

    On a GPU it is torch's SyncBatchNorm, which computes nowhere else; elsewhere `AllReducedBatchNorm`.
    The names of the weights stay, so that checkpoints fit any number of processes.
    """
    if device.type == "cuda":
        return cast(nn.Module, nn.SyncBatchNorm.convert_sync_batchnorm(network))  # type: ignore[no-untyped-call]
    for name, child in network.named_children():
        if isinstance(child, _BatchNorm):
            setattr(network, name, AllReducedBatchNorm.like(child))
        else:
            synchronise_batch_norm(child, device)
    return network


def sum_of_ranks(values: Tensor) -> Tensor:
    """Sum over the processes; the gradient is the sum of all processes' gradients.

    For parts of a loss that every process then computes alike from the sum: with the mean over the
    processes that `distribute` takes of the gradients, they come out as those of one process.
    """
    total: Tensor = _SumOfRanks.apply(values)  # type: ignore[no-untyped-call]
    return total


class _Objective(nn.Module):
    def __init__(self, network: nn.Module, losses: Losses) -> None:
        super().__init__()
        self.network = network
        self._losses = losses

    def forward(self, *arguments: Any) -> dict[str, Tensor]:
        return self._losses(*arguments)


class AllReducedBatchNorm(_BatchNorm):
    """Batch normalisation whose mean and variance are those of all processes' equal shares."""

    @classmethod
    def like(cls, other: _BatchNorm) -> AllReducedBatchNorm:
        """Make one with the settings, weights and running statistics of another."""
        made = cls(other.num_features, other.eps, other.momentum, other.affine, other.track_running_stats)
        made.load_state_dict(other.state_dict())
        return made

    def forward(
        self, input: Float[Tensor, "batch channel *places"]
    ) -> Float[Tensor, "batch channel *places"]:
        """Normalise; in evaluation mode by the running statistics."""
        if not self.training:
            return super().forward(input)
        dims = [0, *range(2, input.ndim)]
        values = at_least_float32(input)
        mean = _mean_of_ranks(values.mean(dims, keepdim=True))
        centred = values - mean
        variance = _mean_of_ranks(centred.square().mean(dims, keepdim=True))
        self._track(mean.flatten(), variance.flatten(), dist.get_world_size() * values[:, 0].numel())
        normalised = centred * (variance + self.eps).rsqrt()
        if self.affine:
            shape = (1, -1, *[1] * (input.ndim - 2))
            normalised = normalised * self.weight.view(shape) + self.bias.view(shape)
        return normalised.to(input.dtype)

    @torch.no_grad()
    def _track(self, mean: Tensor, variance: Tensor, count: int) -> None:
        if not self.track_running_stats:
            return
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        momentum = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, momentum)
        # The running variance is the unbiased one, as torch's.
        self.running_var.lerp_(variance * (count / (count - 1)), momentum)

    def _check_input_dim(self, input: Tensor) -> None:
        """Any number of places is fine."""


def _mean_of_ranks(values: Tensor) -> Tensor:
    return sum_of_ranks(values) / dist.get_world_size()


class _SumOfRanks(torch.autograd.Function):
    """All-reduce whose gradient is the sum of all processes' gradients."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        total = values.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return _SumOfRanks.forward(ctx, gradients[0])
