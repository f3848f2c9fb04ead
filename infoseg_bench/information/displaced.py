"""IIC's information between two segmentations that may be displaced relative to each other.

Ji et al., Invariant Information Clustering, ICCV 2019; IIC utils/segmentation/IID_losses.py:86-159.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from infoseg_bench.information.correlation import displaced_joints
from infoseg_bench.information.joint import joint_information, symmetrised
from infoseg_bench.information.precision import at_least_float32, full_precision


def displaced_information(
    first: Float[Tensor, "batch cluster height width"],
    second: Float[Tensor, "batch other height width"],
    *,
    radius: int,
    lamb: float = 1.0,
    collapsed: bool = False,
    mask: Bool[Tensor, "batch height width"] | None = None,
    together: Callable[[Tensor], Tensor] | None = None,
) -> Float[Tensor, ""]:
    """Estimate the information in nats, to be maximised; IIC's loss is its negative.

    For each displacement of at most `radius` pixels along both axes, the joint distribution of
    the clusters of a pixel in `first` and of the displaced one in `second` is the mean over all
    images and pixels. Half precision is converted to float32, and autocast and TF32 are disabled.

    Args:
        first: class probabilities
        second: class probabilities of the other view, aligned with `first`. If it has as many clusters as
            `first`, the joint distribution is symmetrised as in IIC; otherwise it is not.
        radius: IIC's T, in pixels; published 10, and 5 on Potsdam (examples/commands.txt)
        lamb: weight of the marginals' entropies, see `joint_information`
        collapsed: whether to sum the joint distributions of all displacements first, instead of averaging the
            information of each; all published scores are uncollapsed (examples/commands.txt)
        mask: valid pixels, in both maps; None: all
        together: function that sums joint masses over the processes of a run; None: there is one process

    Raises:
        ValueError: the radius is negative or not smaller than the map
    """
    if not 0 <= radius < min(first.shape[-2:]):
        raise ValueError(f"radius {radius}: choose one of 0 to {min(first.shape[-2:]) - 1}, within the map")
    with full_precision(first.device):
        first, second = _masked(first, mask), _masked(second, mask)
        joints = (_collapsed_joint if collapsed else displaced_joints)(first, second, radius)
        if first.shape[1] == second.shape[1]:
            joints = symmetrised(joints)
        if together is not None:
            joints = together(joints)
        return joint_information(joints, lamb).mean()


def _masked(probabilities: Tensor, mask: Tensor | None) -> Tensor:
    wide = at_least_float32(probabilities)
    return wide if mask is None else wide * mask[:, None]


def _collapsed_joint(
    first: Float[Tensor, "batch cluster height width"],
    second: Float[Tensor, "batch other height width"],
    radius: int,
) -> Float[Tensor, "cluster other"]:
    """Return the joint distribution summed over all displacements, by a box filter on one of the maps."""
    side = 2 * radius + 1
    boxes = F.avg_pool2d(second, (side, 1), 1, (radius, 0), divisor_override=1)
    boxes = F.avg_pool2d(boxes, (1, side), 1, (0, radius), divisor_override=1)
    joint: Tensor = _Product.apply(first.flatten(2), boxes.flatten(2))  # type: ignore[no-untyped-call]
    return joint


class _Product(torch.autograd.Function):
    """Sum the products of first and transposed second over images, in full precision in both passes."""

    @staticmethod
    def forward(ctx: Any, first: Tensor, second: Tensor) -> Tensor:
        ctx.save_for_backward(first, second)
        with full_precision(first.device):
            return torch.bmm(first, second.mT).sum(dim=0)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        first, second = ctx.saved_tensors
        with full_precision(first.device):
            return gradient @ second, gradient.mT @ first
