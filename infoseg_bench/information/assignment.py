"""The information between samples and the clusters they are assigned to (RIM, Krause et al. 2010)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

SMALLEST = 1e-8
"""Probabilities below it count as it, in logarithms; ours."""


def marginal_entropy(assigned: Float[Tensor, "sample cluster"]) -> Float[Tensor, ""]:
    """Give the entropy of the clusters' mean probabilities in nats, at most log K."""
    return _entropy(assigned.mean(dim=0))


def conditional_entropy(assigned: Float[Tensor, "sample cluster"]) -> Float[Tensor, ""]:
    """Give the mean entropy of the samples' probabilities in nats; 0 where all are decided."""
    return _entropy(assigned).mean()


def divergence(
    target: Float[Tensor, "sample cluster"], assigned: Float[Tensor, "sample cluster"]
) -> Float[Tensor, ""]:
    """Give the mean Kullback-Leibler divergence of `assigned` from `target` in nats."""
    logarithms = target.clamp(min=SMALLEST).log() - assigned.clamp(min=SMALLEST).log()
    return (target * logarithms).sum(dim=1).mean()


def _entropy(probabilities: Float[Tensor, "*many cluster"]) -> Float[Tensor, "*many"]:
    return -(probabilities * torch.log(probabilities.clamp(min=SMALLEST))).sum(dim=-1)
