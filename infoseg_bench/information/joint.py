"""The information of discrete joint distributions (IIC utils/segmentation/IID_losses.py:86-159)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

SMALLEST = torch.finfo(torch.float64).eps
"""Smallest probability in logarithms: lower ones are raised to it (IID_losses.py:9)."""


def joint_information(
    joint: Float[Tensor, "*many cluster other"], lamb: float = 1.0
) -> Float[Tensor, "*many"]:
    """Return sum_ij P_ij [log P_ij - lamb log P_i - lamb log P_j] in nats, P_i and P_j the marginals.

    With `lamb` = 1 this is the mutual information, at most log K; larger values reward uniform marginals,
    and the result can exceed log K. It is computed in float64, which costs little for so few numbers: in
    float32, rounding of the logarithms would be larger than a small information.

    Args:
        joint: non-negative joint masses; each is divided by its sum first. If the sum is zero, information
            and gradient are zero.
        lamb: weight of the marginals' entropies; IIC uses 1, and 1.5 for head B on 3 classes
    """
    mass = joint.double()
    P = mass / mass.sum(dim=(-2, -1), keepdim=True).clamp(min=SMALLEST)
    rows = P.sum(dim=-1, keepdim=True).clamp(min=SMALLEST).log()
    columns = P.sum(dim=-2, keepdim=True).clamp(min=SMALLEST).log()
    P = P.clamp(min=SMALLEST)
    return (P * (P.log() - lamb * rows - lamb * columns)).sum(dim=(-2, -1)).to(joint.dtype)


def symmetrised(joint: Float[Tensor, "*many cluster cluster"]) -> Float[Tensor, "*many cluster cluster"]:
    """Return (P + P^T) / 2, which does not depend on the order of the maps (IID_losses.py:86-159)."""
    return (joint + joint.mT) / 2
