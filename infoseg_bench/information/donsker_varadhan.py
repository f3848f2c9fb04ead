"""The Donsker-Varadhan estimator of mutual information (PAPER 4.3; Belghazi et al. 2018)."""

from __future__ import annotations

import math
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

Average = Literal["per-place", "pooled"]
"""per-place: the mean of one estimate for every place (i, j), as in eq. 6 of the paper; pooled: one estimate
for the samples of all places, as in Deep InfoMax (gan_losses.py)."""


def donsker_varadhan(
    joint: Float[Tensor, "pair ..."],
    marginal: Float[Tensor, "other ..."],
    *,
    average: Average = "pooled",
    counted_joint: Bool[Tensor, "pair ..."] | None = None,
    counted_marginal: Bool[Tensor, "other ..."] | None = None,
) -> Float[Tensor, ""]:
    """Estimate E[T] over joint samples minus log E[exp T] over marginal ones, in nats.

    The second term is a log-sum-exp less the logarithm of the number of samples, so it is finite
    for any scores. By Jensen's inequality the pooled estimate is at most the mean of the estimates
    per place, if every place has as many samples.

    Args:
        joint: discriminator scores T of joint pairs
        marginal: scores of random pairs, at the same places
        average: whether every place has its own logarithm ("per-place"), or all share one ("pooled")
        counted_joint: False for scores to leave out; None: all are used
        counted_marginal: the same for `marginal`. With "per-place", only places that keep samples of both
            kinds are used; if there are none, the estimate is 0.
    """
    if average == "pooled":
        joint, marginal = joint.flatten(), marginal.flatten()
        counted_joint, counted_marginal = (
            None if counted is None else counted.flatten() for counted in (counted_joint, counted_marginal)
        )
    if counted_joint is None and counted_marginal is None:
        return (joint.mean(dim=0) - marginal.logsumexp(dim=0) + math.log(len(marginal))).mean()
    return _per_place(
        joint, marginal, _everything(joint, counted_joint), _everything(marginal, counted_marginal)
    )


def _per_place(
    joint: Tensor, marginal: Tensor, counted_joint: Tensor, counted_marginal: Tensor
) -> Float[Tensor, ""]:
    pairs, others = counted_joint.sum(dim=0), counted_marginal.sum(dim=0)
    kept = (pairs > 0) & (others > 0)
    expected = (joint * counted_joint).sum(dim=0) / pairs.clamp(min=1)
    # Places without samples get finite scores, so that no gradient is NaN, and are left out of the mean.
    scores = marginal.masked_fill(~counted_marginal & kept, -math.inf)
    estimates = expected - scores.logsumexp(dim=0) + others.clamp(min=1).to(joint.dtype).log()
    return (estimates * kept).sum() / kept.sum().clamp(min=1)


def _everything(scores: Tensor, counted: Tensor | None) -> Bool[Tensor, "sample ..."]:
    return torch.ones_like(scores, dtype=torch.bool) if counted is None else counted
