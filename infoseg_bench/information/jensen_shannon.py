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

    This is the paper's form, without the constant terms log 2 of Deep InfoMax. So it is negative, and
    -2 log 2 if all scores are zero.

    Args:
        joint: discriminator scores T of joint pairs, in any shape
        marginal: scores of random pairs, in any shape
        counted_joint: False for joint scores to leave out; None: all are used
        counted_marginal: False for marginal scores to leave out; None: all are used
    """
    return -_mean(F.softplus(-joint), counted_joint) - _mean(F.softplus(marginal), counted_marginal)


def _mean(values: Float[Tensor, "*shape"], counted: Bool[Tensor, "*shape"] | None) -> Float[Tensor, ""]:
    """Return the mean of the counted values, or 0, without boolean indices, which wait for a GPU."""
    if counted is None:
        return values.mean()
    return (values * counted).sum() / counted.sum().clamp(min=1)
