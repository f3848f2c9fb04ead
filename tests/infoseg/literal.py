"""PAPER equations 3 to 8 to the letter, one place and one class at a time, with S formed."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def literal_objective(L: Tensor, H: Tensor, other: list[int], tau: float) -> Tensor:
    """Give eq. 6 with the estimator of eq. 8; L is `batch P rows columns`, H is `batch K P`."""
    images, _, rows, columns = L.shape
    S = [
        [[soft_assignment(L, H, b, i, j, tau) for j in range(columns)] for i in range(rows)]
        for b in range(images)
    ]
    joint, marginal = [], []
    for b in range(images):
        for i in range(rows):
            for j in range(columns):
                joint.append(-softplus(-(L[b, :, i, j] @ S[b][i][j])))
                marginal.append(softplus(L[b, :, i, j] @ S[other[b]][i][j]))
    return torch.stack(joint).mean() - torch.stack(marginal).mean()


def soft_assignment(L: Tensor, H: Tensor, b: int, i: int, j: int, tau: float) -> Tensor:
    """Give S_ij of eq. 5."""
    V = class_probabilities(L, H, b, i, j, tau)
    return sum((V[k] * H[b, k] for k in range(len(V))), torch.zeros_like(H[b, 0]))


def class_probabilities(L: Tensor, H: Tensor, b: int, i: int, j: int, tau: float) -> list[Tensor]:
    """Give V_ij of eq. 3."""
    exponentials = [torch.exp(tau * (L[b, :, i, j] @ H[b, k])) for k in range(H.shape[1])]
    return [one / torch.stack(exponentials).sum() for one in exponentials]


def softplus(score: Tensor) -> Tensor:
    """Give sp of eq. 7; the scores of the tests are small enough for the plain form."""
    assert abs(float(score.detach())) < math.log(1e300)
    return torch.log(1 + torch.exp(score))
