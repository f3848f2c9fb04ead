"""InfoSeg's two steps, PAPER equations 3 to 8, computed without S where that is cheaper.

S_ij = sum_k V_ijk H_k (eq. 5) has P channels at every place of every image. The scores of joint and marginal
pairs need only its dot products with L, which are sums over k of V_ijk <L_ij, H_k>.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor

from infoseg_bench.information.precision import at_least_float32

Pairing = Literal["permuted", "all", "own"]
Negatives = Literal["same-place", "shifted", "all-places"]


def class_scores(
    L: Float[Tensor, "batch P rows columns"], H: Float[Tensor, "batch K P"]
) -> Float[Tensor, "batch K rows columns"]:
    """Return the score of every class at every place, <L_ij, H_k>."""
    # L is channels-last, so P is its fastest axis; with this order of factors, so it is in the gradient.
    scores = torch.bmm(L.flatten(2).transpose(1, 2), H.transpose(1, 2))
    return scores.transpose(1, 2).view(*H.shape[:2], *L.shape[2:])


def class_probabilities(
    scores: Float[Tensor, "batch K rows columns"], tau: float
) -> Float[Tensor, "batch K rows columns"]:
    """Return the soft assignment V (eq. 3), the softmax over classes of tau times the scores."""
    return (tau * scores).softmax(dim=1)


def hard_assignment(
    V: Float[Tensor, "batch K rows columns"],
) -> Float[Tensor, "batch K rows columns"]:
    """Return V with all weight on the most probable class: S_ij = H_k with k of eq. 4 (PAPER Table 2)."""
    return torch.zeros_like(V).scatter_(1, V.argmax(dim=1, keepdim=True), 1.0)


def joint_scores(
    V: Float[Tensor, "batch K rows columns"], scores: Float[Tensor, "batch K rows columns"]
) -> Float[Tensor, "batch rows columns"]:
    """Return the scores of joint pairs, <L_ij(x), S_ij(x)>."""
    return (V * scores).sum(dim=1)


def marginal_scores(
    L: Float[Tensor, "batch P rows columns"],
    H: Float[Tensor, "batch K P"],
    V: Float[Tensor, "batch K rows columns"],
    *,
    other: Int64[Tensor, " batch"] | None = None,
    pairing: Pairing,
    every_place: bool = False,
) -> Float[Tensor, "pair rows columns"]:
    """Return the scores of marginal pairs, of two images x and x'.

    Args:
        L: local features of x
        H: global features of every image of the batch
        V: soft assignments of every image of the batch
        other: for every image the index of its x'; needed unless pairing is "all"
        pairing: "permuted" is exactly eq. 8, <L_ij(x), S_ij(x')> with S from the V of x';
            "own" weighs the H of x' with the V of x; "all" is "permuted" with every other image of
            the batch as x' (Deep InfoMax, dim_losses.py:43-59)
        every_place: compare L_ij with S at every place of x' instead of only at ij; not available for "all"

    Returns:
        scores, in the order of x: all pairs of the first image come first
    """
    if pairing == "all":
        return _all_marginal_scores(L, H, V)
    assert other is not None
    weights, scores = V if pairing == "own" else V[other], class_scores(L, H[other])
    if not every_place:
        return joint_scores(weights, scores)
    pairs = torch.bmm(weights.flatten(2).transpose(1, 2), scores.flatten(2))
    return pairs.view(-1, *L.shape[2:])


def shifted(
    V: Float[Tensor, "batch K rows columns"], shift: Int64[Tensor, " 2"]
) -> Float[Tensor, "batch K rows columns"]:
    """Shift the assignments cyclically to other places, by as many rows and columns."""
    for axis in (2, 3):
        size = V.shape[axis]
        source = (torch.arange(size, device=V.device) - shift[axis - 2]) % size
        V = V.index_select(axis, source)
    return V


def draw_shift(rows: int, columns: int, generator: torch.Generator) -> Int64[Tensor, " 2"]:
    """Draw a shift of the whole batch; all shifts other than zero are equally probable."""
    shift = int(torch.randint(1, max(rows * columns, 2), (1,), generator=generator))
    return torch.tensor(divmod(shift, columns))


def _all_marginal_scores(L: Tensor, H: Tensor, V: Tensor) -> Tensor:
    # Every S is compared with every L, so computing S once costs K times less than comparing all H with all
    # L.
    S = torch.bmm(V.flatten(2).transpose(1, 2), H)
    pairs: Tensor = _PairwiseProducts.apply(  # type: ignore[no-untyped-call]
        L.flatten(2).permute(2, 0, 1), S.transpose(0, 1)
    )
    # Drop the diagonal only by reshaping: a boolean index would make the host wait for the GPU.
    count = len(L)
    distinct: Tensor = pairs.flatten(1)[:, 1:].reshape(-1, count - 1, count + 1)[:, :, :-1]
    return distinct.flatten(1).t().reshape(-1, *L.shape[2:])


def all_pairs_information(
    L: Float[Tensor, "batch P rows columns"],
    H: Float[Tensor, "batch K P"],
    V: Float[Tensor, "batch K rows columns"],
    joint: Float[Tensor, "batch rows columns"],
) -> Float[Tensor, ""]:
    """Return eq. 7 with every pair of two images as a marginal one, in one pass over their scores.

    It equals `jensen_shannon(joint, marginal_scores(L, H, V, pairing="all"))`, and so do its gradients.
    """
    S = torch.bmm(V.flatten(2).transpose(1, 2), H)
    information: Tensor = _AllPairsInformation.apply(  # type: ignore[no-untyped-call]
        L.flatten(2).permute(2, 0, 1), S.transpose(0, 1), joint.flatten(1).t()
    )
    return information


class _AllPairsInformation(torch.autograd.Function):
    """The estimate from the products of all pairs, with minus the joint scores on their diagonal."""

    @staticmethod
    def forward(ctx: Any, L: Tensor, S: Tensor, joint: Tensor) -> Tensor:
        scores = at_least_float32(torch.bmm(L, S.transpose(1, 2)))
        scores.diagonal(dim1=1, dim2=2).copy_(-joint)
        places, count = joint.shape
        weights = scores.new_full((count, count), 1 / (places * count * (count - 1)))
        weights.fill_diagonal_(1 / joint.numel())
        ctx.save_for_backward(L, S, scores, weights)
        return -(F.softplus(scores).sum(dim=0) * weights).sum()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        L, S, scores, weights = ctx.saved_tensors
        outer = (-gradients[0] * weights).expand_as(scores)
        inner = torch.ops.aten.softplus_backward(outer, scores, 1, 20)
        joint = -inner.diagonal(dim1=1, dim2=2)
        inner.diagonal(dim1=1, dim2=2).zero_()
        # As in `_PairwiseProducts`.
        return torch.bmm(inner.to(S.dtype), S), torch.bmm(inner.to(L.dtype).transpose(1, 2), L), joint


class _PairwiseProducts(torch.autograd.Function):
    """Dot products <L_b, S_c> of all pairs at every place, with P as the fastest axis of both gradients.

    In the gradient that torch derives for the second factor of a product, P is the slowest axis. Every later
    product would copy it, matrix by matrix, which takes as long as the products themselves.
    """

    @staticmethod
    def forward(ctx: Any, L: Tensor, S: Tensor) -> Tensor:
        ctx.save_for_backward(L, S)
        return torch.bmm(L, S.transpose(1, 2))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        L, S = ctx.saved_tensors
        # Under autocast, the factors keep the precision that they were passed with.
        return torch.bmm(gradient.to(S.dtype), S), torch.bmm(gradient.to(L.dtype).transpose(1, 2), L)


def random_partners(count: int, generator: torch.Generator) -> Int64[Tensor, " batch"]:
    """Return for every image the index of another one as its x'; each image is used once.

    The paper pairs images at random, without details; a random cyclic permutation was chosen by this project.
    """
    order = torch.randperm(count, generator=generator)
    other = torch.empty_like(order)
    other[order] = order.roll(1)
    return other


def assignment_entropy(V: Float[Tensor, "batch K rows columns"]) -> Float[Tensor, ""]:
    """Return the mean entropy of the assignments in nats: from 0 (hard) to log K (uniform)."""
    return -torch.xlogy(V, V).sum(dim=1).mean()


def cluster_usage(V: Float[Tensor, "batch K rows columns"]) -> Float[Tensor, ""]:
    """Return the effective number of classes, the exponential of the entropy of their shares: 1 to K."""
    shares = V.mean(dim=(0, 2, 3))
    return (-torch.xlogy(shares, shares).sum()).exp()


def image_share(H: Float[Tensor, "batch K P"]) -> Float[Tensor, ""]:
    """Return the fraction of H's energy that depends on the image, in [0, 1].

    0: all images have the same global features, a code book of patches; 1: they have nothing in common.
    """
    return (H - H.mean(dim=0)).square().sum() / H.square().sum().clamp_min(torch.finfo(H.dtype).tiny)
