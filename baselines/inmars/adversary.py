"""Virtual adversarial perturbations: small changes that alter predictions most (Miyato et al. 2018)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

SMALLEST = 1e-16
"""Smallest size to divide by, so that a vanished gradient gives no perturbation; chosen by this project."""


def adversarial_perturbation(
    divergence: Callable[[Tensor], Tensor],
    start: Float[Tensor, "batch ..."],
    *,
    radius: float,
    probe: float,
    size: Callable[[Tensor], Tensor],
) -> Float[Tensor, "batch ..."]:
    """Find the perturbation of a given size that raises the divergence most, by one power iteration.

    The divergence is smallest without a perturbation, and has no gradient there. Close to that point, the
    gradient is the Hessian times the random start, which turns it towards the direction of greatest
    curvature (Miyato et al. 2018, section 3.3).

    Args:
        divergence: function from a perturbation to how much it changes the predictions
        start: a random perturbation of any size
        radius: size of the returned perturbation, in the unit of `size`
        probe: distance from zero at which the gradient is computed, as a fraction of the radius
        size: function from perturbations to one size per image, proportional to them
    """
    trial = (scaled(start, probe * radius, size)).requires_grad_()
    (gradient,) = torch.autograd.grad(divergence(trial), [trial])
    return scaled(gradient, radius, size)


def scaled(
    perturbation: Float[Tensor, "batch ..."], radius: float, size: Callable[[Tensor], Tensor]
) -> Float[Tensor, "batch ..."]:
    """Scale every image's perturbation to a size of `radius`."""
    sizes = size(perturbation).clamp(min=SMALLEST)
    return (perturbation * (radius / sizes).view(-1, *[1] * (perturbation.dim() - 1))).detach()


def root_mean_square(values: Float[Tensor, "batch ..."]) -> Float[Tensor, " batch"]:
    """Return one size per image."""
    return values.flatten(1).square().mean(dim=1).sqrt()


@contextmanager
def untracked(network: nn.Module) -> Iterator[None]:
    """Let batch normalisation use batch statistics without updating its running statistics."""
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    try:
        for norm in norms:
            norm.momentum = 0.0
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
