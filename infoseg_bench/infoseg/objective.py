"""InfoSeg's two steps, PAPER equations 3 to 8, without forming S where that is cheaper.

S_ij = sum_k V_ijk H_k (eq. 5) has P numbers for every place of every image. Both discriminator
scores need only its dot products with L, and those are sums over k of V_ijk <L_ij, H_k>.
"""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor

Pairing = Literal["permuted", "all", "own"]


def class_scores(
    L: Float[Tensor, "batch P rows columns"], H: Float[Tensor, "batch K P"]
) -> Float[Tensor, "batch K rows columns"]:
    """Score every class at every place: <L_ij, H_k>."""
    return torch.bmm(H, L.flatten(2)).view(*H.shape[:2], *L.shape[2:])


def class_probabilities(
    scores: Float[Tensor, "batch K rows columns"], tau: float
) -> Float[Tensor, "batch K rows columns"]:
    """Soft assignment V (eq. 3): the softmax over classes of tau times the scores."""
    return (tau * scores).softmax(dim=1)


def hard_assignment(
    V: Float[Tensor, "batch K rows columns"],
) -> Float[Tensor, "batch K rows columns"]:
    """Put all weight on the most probable class, S_ij = H_k with k of eq. 4 (PAPER 5.5, Table 2)."""
    return torch.zeros_like(V).scatter_(1, V.argmax(dim=1, keepdim=True), 1.0)


def joint_scores(
    V: Float[Tensor, "batch K rows columns"], scores: Float[Tensor, "batch K rows columns"]
) -> Float[Tensor, "batch rows columns"]:
    """Discriminate pairs of one image: <L_ij(x), S_ij(x)>."""
    return (V * scores).sum(dim=1)


def marginal_scores(
    L: Float[Tensor, "batch P rows columns"],
    H: Float[Tensor, "batch K P"],
    V: Float[Tensor, "batch K rows columns"],
    *,
    other: Int64[Tensor, " batch"],
    pairing: Pairing,
) -> Float[Tensor, "*batches rows columns"]:
    """Discriminate pairs of two images x and x'.

    Args:
        L: local features of x
        H: global features of every image of the batch
        V: soft assignments of every image of the batch
        other: for every image its x'; not used by "all"
        pairing: "permuted" is eq. 8 to the letter, <L_ij(x), S_ij(x')> with S from the V of x';
            "own" weighs the H of x' with the V of x; "all" is "permuted" with every other image of
            the batch as x' (Deep InfoMax, dim_losses.py:43-59), and has two batch axes flattened
    """
    if pairing == "all":
        return _all_marginal_scores(L, H, V)
    return joint_scores(V if pairing == "own" else V[other], class_scores(L, H[other]))


def _all_marginal_scores(L: Tensor, H: Tensor, V: Tensor) -> Tensor:
    # Every S meets every L here, so forming S once costs K times less than scoring all H against all L.
    S = torch.bmm(H.transpose(1, 2), V.flatten(2))
    places = (features.permute(2, 0, 1) for features in (L.flatten(2), S))
    pairs = torch.einsum("nbp,ncp->bcn", *places)
    # Every row less its diagonal, by shape alone: a boolean index would make a GPU wait.
    count = len(L)
    distinct: Tensor = pairs.flatten(0, 1)[1:].reshape(count - 1, count + 1, -1)[:, :-1]
    return distinct.reshape(-1, *L.shape[2:])


def random_partners(count: int, generator: torch.Generator) -> Int64[Tensor, " batch"]:
    """Give every image of a batch another one as x'; each is used once, none is its own.

    The paper pairs images at random and does not say how; a random cycle is ours.
    """
    order = torch.randperm(count, generator=generator)
    other = torch.empty_like(order)
    other[order] = order.roll(1)
    return other
