"""The Jensen-Shannon estimator of mutual information (PAPER eq. 7; Nowozin et al. 2016)."""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor


def jensen_shannon(
    joint: Float[Tensor, "*joint"],
    marginal: Float[Tensor, "*marginal"],
    *,
    counted_joint: Bool[Tensor, "*joint"] | None = None,
    counted_marginal: Bool[Tensor, "*marginal"] | None = None,
) -> Float[Tensor, ""]:
    """Estimate E[-sp(-T)] over joint samples minus E[sp(T)] over marginal ones, sp the softplus.

    The paper's form, without the constant log 2 terms of Deep InfoMax; so it is below zero, and
    -2 log 2 where the scores say nothing.

    Args:
        joint: discriminator scores T of pairs that belong together, any shape
        marginal: scores of pairs put together at random, any shape
        counted_joint: joint samples that count; None: all
        counted_marginal: marginal samples that count; None: all
    """
    return -_mean(F.softplus(-joint), counted_joint) - _mean(F.softplus(marginal), counted_marginal)


def _mean(values: Float[Tensor, "*shape"], counted: Bool[Tensor, "*shape"] | None) -> Float[Tensor, ""]:
    """Return the mean of the values that count, 0 if none does, without a boolean index: a GPU would wait."""
    if counted is None:
        return values.mean()
    return (values * counted).sum() / counted.sum().clamp(min=1)
