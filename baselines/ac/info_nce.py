"""InfoNCE, a bound on mutual information from telling a partner among others (van den Oord et al. 2018)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


def info_nce(
    first: Float[Tensor, "pair feature"], second: Float[Tensor, "pair feature"], *, temperature: float
) -> Float[Tensor, ""]:
    """Estimate log N minus the cross-entropy of finding each vector's partner among N, both ways.

    Args:
        first: vectors, scored by their dot products
        second: in the same row the partner, in all others the negatives
        temperature: divides the scores

    Returns:
        nats, at most log N; 0 where the scores say nothing
    """
    scores = first @ second.T / temperature
    partner = torch.arange(len(scores), device=scores.device)
    loss = (F.cross_entropy(scores, partner) + F.cross_entropy(scores.T, partner)) / 2
    return math.log(len(scores)) - loss
