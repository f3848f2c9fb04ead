"""InfoNCE, a lower bound on mutual information from recognising partners (van den Oord et al. 2018)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


def info_nce(
    first: Float[Tensor, "pair feature"], second: Float[Tensor, "pair feature"], *, temperature: float
) -> Float[Tensor, ""]:
    """Estimate log N minus the cross-entropy of finding each vector's partner among N, in both directions.

    Args:
        first: vectors; scores are their dot products with those of `second`
        second: the partner in the same row, the negatives in all other rows
        temperature: a number that divides the scores

    Returns:
        information in nats, at most log N; 0 if all scores are equal
    """
    scores = first @ second.T / temperature
    partner = torch.arange(len(scores), device=scores.device)
    loss = (F.cross_entropy(scores, partner) + F.cross_entropy(scores.T, partner)) / 2
    return math.log(len(scores)) - loss
