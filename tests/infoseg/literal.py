"""PAPER equations 3 to 8 to the letter, one place and one class at a time, with S formed."""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor


def literal_objective(
    L: Tensor,
    H: Tensor,
    other: list[int],
    tau: float,
    *,
    estimator: str,
    assignment: str,
    negatives: str = "same-place",
    shift: tuple[int, int] = (0, 0),
    average: str = "pooled",
    inside: Tensor | None = None,
) -> Tensor:
    """Return eq. 6; L is `batch P rows columns`, H is `batch K P`.

    S of x' is taken at place ij, at ij less the shift (cyclically), or at every place; `average` says
    whether the information of all places is estimated together or place by place; `inside`, bool
    `batch rows columns`, says which places of x count.
    """
    assign = {"soft": soft_assignment, "hard": hard_assignment}[assignment]
    estimate = {"jensen-shannon": jensen_shannon, "donsker-varadhan": donsker_varadhan}[estimator]
    rows, columns = L.shape[2:]
    joint: dict[tuple[int, int], list[Tensor]] = {}
    marginal: dict[tuple[int, int], list[Tensor]] = {}
    for b, i, j in itertools.product(range(len(L)), range(rows), range(columns)):
        if inside is not None and not inside[b, i, j]:
            continue
        joint.setdefault((i, j), []).append(L[b, :, i, j] @ assign(L, H, b, i, j, tau))
        places = {
            "same-place": [(i, j)],
            "shifted": [((i - shift[0]) % rows, (j - shift[1]) % columns)],
            "all-places": list(itertools.product(range(rows), range(columns))),
        }[negatives]
        marginal.setdefault((i, j), []).extend(
            L[b, :, i, j] @ assign(L, H, other[b], u, v, tau) for u, v in places
        )
    if average == "places":
        return torch.stack([estimate(joint[place], marginal[place]) for place in joint]).mean()
    return estimate([*itertools.chain(*joint.values())], [*itertools.chain(*marginal.values())])


def jensen_shannon(joint: list[Tensor], marginal: list[Tensor]) -> Tensor:
    """Return eq. 7."""
    return (
        torch.stack([-softplus(-T) for T in joint]).mean()
        - torch.stack([softplus(T) for T in marginal]).mean()
    )


def donsker_varadhan(joint: list[Tensor], marginal: list[Tensor]) -> Tensor:
    """Return E[T] - log E[exp T]."""
    return torch.stack(joint).mean() - torch.log(torch.stack([torch.exp(T) for T in marginal]).mean())


def hard_assignment(L: Tensor, H: Tensor, b: int, i: int, j: int, tau: float) -> Tensor:
    """Return the global feature of the class of eq. 4."""
    V = class_probabilities(L, H, b, i, j, tau)
    return H[b, max(range(len(V)), key=lambda k: float(V[k].detach()))]


def soft_assignment(L: Tensor, H: Tensor, b: int, i: int, j: int, tau: float) -> Tensor:
    """Return S_ij of eq. 5."""
    V = class_probabilities(L, H, b, i, j, tau)
    return sum((V[k] * H[b, k] for k in range(len(V))), torch.zeros_like(H[b, 0]))


def class_probabilities(L: Tensor, H: Tensor, b: int, i: int, j: int, tau: float) -> list[Tensor]:
    """Return V_ij of eq. 3."""
    exponentials = [torch.exp(tau * (L[b, :, i, j] @ H[b, k])) for k in range(H.shape[1])]
    return [one / torch.stack(exponentials).sum() for one in exponentials]


def softplus(score: Tensor) -> Tensor:
    """Return sp of eq. 7; the scores of the tests are small enough for the plain form."""
    assert abs(float(score.detach())) < math.log(1e300)
    return torch.log(1 + torch.exp(score))
