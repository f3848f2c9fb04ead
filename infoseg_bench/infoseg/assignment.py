"""How a soft assignment is spread over the classes: the two figures that betray a collapse."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def assignment_entropy(V: Float[Tensor, "batch K rows columns"]) -> Float[Tensor, ""]:
    """Give the mean entropy of the places' assignments in nats: 0 is hard, log K undecided."""
    return -torch.xlogy(V, V).sum(dim=1).mean()


def cluster_usage(V: Float[Tensor, "batch K rows columns"]) -> Float[Tensor, ""]:
    """Give the number of classes in use, as the exponential of their shares' entropy: 1 to K."""
    shares = V.mean(dim=(0, 2, 3))
    return (-torch.xlogy(shares, shares).sum()).exp()
