"""The information between samples and the clusters they are assigned to (RIM, Krause et al. 2010).

Means are over samples, weighted by `share`; the weights sum to one.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

SMALLEST = 1e-8
"""Smallest probability in logarithms: lower ones are raised to it; chosen by this project."""


def marginal_entropy(
    assigned: Float[Tensor, "sample cluster"], share: Float[Tensor, " sample"]
) -> Float[Tensor, ""]:
    """Return the entropy of the clusters' mean probabilities in nats, at most log K."""
    return _entropy((share[:, None] * assigned).sum(dim=0))


def conditional_entropy(
    assigned: Float[Tensor, "sample cluster"], share: Float[Tensor, " sample"]
) -> Float[Tensor, ""]:
    """Return the mean entropy of the samples' probabilities in nats; 0 if all assignments are certain."""
    return (share * _entropy(assigned)).sum()


def divergence(
    target: Float[Tensor, "sample cluster"],
    assigned: Float[Tensor, "sample cluster"],
    share: Float[Tensor, " sample"],
) -> Float[Tensor, ""]:
    """Return the mean Kullback-Leibler divergence of `assigned` from `target` in nats."""
    logarithms = target.clamp(min=SMALLEST).log() - assigned.clamp(min=SMALLEST).log()
    return (share * (target * logarithms).sum(dim=1)).sum()


def _entropy(probabilities: Float[Tensor, "*many cluster"]) -> Float[Tensor, "*many"]:
    return -(probabilities * torch.log(probabilities.clamp(min=SMALLEST))).sum(dim=-1)
