"""The Jensen-Shannon estimator of mutual information (PAPER eq. 7; Nowozin et al. 2016)."""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


def jensen_shannon(joint: Float[Tensor, "*joint"], marginal: Float[Tensor, "*marginal"]) -> Float[Tensor, ""]:
    """Estimate E[-sp(-T)] over joint samples minus E[sp(T)] over marginal ones, sp the softplus.

    The paper's form, without the constant log 2 terms of Deep InfoMax; so it is below zero, and
    -2 log 2 where the scores say nothing.

    Args:
        joint: discriminator scores T of pairs that belong together, any shape
        marginal: scores of pairs put together at random, any shape
    """
    return -F.softplus(-joint).mean() - F.softplus(marginal).mean()
