"""The Donsker-Varadhan estimator of mutual information (PAPER 4.3; Belghazi et al. 2018)."""

from __future__ import annotations

import math

from jaxtyping import Float
from torch import Tensor


def donsker_varadhan(
    joint: Float[Tensor, "*joint"], marginal: Float[Tensor, "*marginal"]
) -> Float[Tensor, ""]:
    """Estimate E[T] over joint samples minus log E[exp T] over marginal ones.

    The second term is a log-sum-exp less the logarithm of the number of samples, so it is finite
    for any scores. All samples are pooled, as in Deep InfoMax (gan_losses.py); the paper does not
    say over what it averages.

    Args:
        joint: discriminator scores T of pairs that belong together, any shape
        marginal: scores of pairs put together at random, any shape
    """
    return joint.mean() - (marginal.flatten().logsumexp(dim=0) - math.log(marginal.numel()))
