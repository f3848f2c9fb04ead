"""Distributed training: gradients and batch statistics over the batches of all processes."""

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
    """Return `losses` such that the backward pass averages the gradients over all processes.

    DistributedDataParallel wraps `losses` as a whole, so `losses` may call the network, or parts of it, any
    number of times. All processes start with the weights of rank 0.

    Args:
        network: the network to train
        losses: the objective, which calls `network`
        uses_all_parameters: whether every step uses every parameter; if not, torch searches the graph for
            unused ones at every step

    Raises:
        RuntimeError: raised by the returned function if `uses_all_parameters` is wrongly True
    """
    together = DistributedDataParallel(
        _Objective(network, losses), find_unused_parameters=not uses_all_parameters
    )
    return cast(Losses, together)


def synchronise_batch_norm(network: nn.Module, device: torch.device) -> nn.Module:
    """Replace batch normalisation by one over the whole batch, of which each process has an equal part.

    On a GPU this is torch's SyncBatchNorm, which needs one; elsewhere it is `AllReducedBatchNorm`. The names
    of the weights do not change, so that a checkpoint can be resumed with any number of processes.
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

    If every process computes the same loss from the sum, then the gradients, which `distribute` averages
    over the processes, equal those of a single process with the whole batch.
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
    """Batch normalisation with the mean and variance over all processes, which have parts of equal size."""

    @classmethod
    def like(cls, other: _BatchNorm) -> AllReducedBatchNorm:
        """Return a layer with the settings, weights and running statistics of `other`."""
        made = cls(other.num_features, other.eps, other.momentum, other.affine, other.track_running_stats)
        made.load_state_dict(other.state_dict())
        return made

    def forward(
        self, input: Float[Tensor, "batch channel *places"]
    ) -> Float[Tensor, "batch channel *places"]:
        """Normalise with the statistics of the whole batch, or in evaluation mode with the running ones."""
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
        # As in torch, the running variance is the unbiased one.
        self.running_var.lerp_(variance * (count / (count - 1)), momentum)

    def _check_input_dim(self, input: Tensor) -> None:
        """Accept any number of spatial dimensions."""


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
