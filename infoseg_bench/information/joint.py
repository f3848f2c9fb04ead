"""The information of discrete joint distributions (IIC utils/segmentation/IID_losses.py:86-159)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

SMALLEST = torch.finfo(torch.float64).eps
"""Probabilities below it count as it (IID_losses.py:9)."""


def joint_information(
    joint: Float[Tensor, "*many cluster other"], lamb: float = 1.0
) -> Float[Tensor, "*many"]:
    """Return sum_ij P_ij [log P_ij - lamb log P_i - lamb log P_j] in nats, P_i and P_j the marginals.

    With `lamb` 1 this is the mutual information, at most log K; more than 1 rewards even
    marginals and can exceed that. It is computed in float64, in which these few numbers cost
    nothing: in float32 the rounding of the logarithms would swamp a small information.

    Args:
        joint: joint masses, not negative; each is divided by its own sum first. One without any
            mass has no information, and no gradient.
        lamb: weight of the marginals' entropies; IIC uses 1, and 1.5 for head B on 3 classes
    """
    mass = joint.double()
    P = mass / mass.sum(dim=(-2, -1), keepdim=True).clamp(min=SMALLEST)
    rows = P.sum(dim=-1, keepdim=True).clamp(min=SMALLEST).log()
    columns = P.sum(dim=-2, keepdim=True).clamp(min=SMALLEST).log()
    P = P.clamp(min=SMALLEST)
    return (P * (P.log() - lamb * rows - lamb * columns)).sum(dim=(-2, -1)).to(joint.dtype)


def symmetrised(joint: Float[Tensor, "*many cluster cluster"]) -> Float[Tensor, "*many cluster cluster"]:
    """Return (P + P^T) / 2, which forgets which map came first (IID_losses.py:86-159)."""
    return (joint + joint.mT) / 2
