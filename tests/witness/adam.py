"""Adam (Kingma and Ba 2015, algorithm 1), written out."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Weights = dict[str, Tensor]


def train(
    weights: Weights,
    loss: Callable[[Weights, int], Tensor],
    *,
    steps: int,
    lr: float,
    idle_momentum: bool = False,
) -> Weights:
    """Return the weights after some steps.

    Args:
        weights: to begin with
        loss: of weights and the number of the step
        steps: how many
        lr: learning rate
        idle_momentum: weights that a loss does not reach have a gradient of zero, from their first one on;
            otherwise they rest
    """
    weights = {name: value.detach().clone().double() for name, value in weights.items()}
    first = {name: torch.zeros_like(value) for name, value in weights.items()}
    second = {name: torch.zeros_like(value) for name, value in weights.items()}
    taken = dict.fromkeys(weights, 0)
    for step in range(steps):
        leaves = {name: value.requires_grad_() for name, value in weights.items()}
        gradients = torch.autograd.grad(loss(leaves, step), list(leaves.values()), allow_unused=True)
        weights = {name: value.detach() for name, value in leaves.items()}
        for name, found in zip(weights, gradients, strict=True):
            if found is None and not (idle_momentum and taken[name]):
                continue
            gradient = torch.zeros_like(weights[name]) if found is None else found
            taken[name] += 1
            first[name] = 0.9 * first[name] + 0.1 * gradient
            second[name] = 0.999 * second[name] + 0.001 * gradient**2
            mean = first[name] / (1 - 0.9 ** taken[name])
            variance = second[name] / (1 - 0.999 ** taken[name])
            weights[name] = weights[name] - lr * mean / (variance.sqrt() + 1e-8)
    return weights


def assert_same(found: Weights, expected: Weights, start: Weights) -> None:
    """Check that the weights agree to 1e-9, and that training has moved them."""
    assert found.keys() == expected.keys()
    moved = False
    for name, value in expected.items():
        assert float((found[name] - value).abs().max()) < 1e-9, name
        moved |= float((value - start[name]).abs().max()) > 1e-3
    assert moved
