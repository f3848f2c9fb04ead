"""What is done to L and H before their dot product; the paper says nothing of it."""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

Normalisation = Literal["none", "scale", "layer", "length"]

LINEAR: tuple[Normalisation, ...] = ("none", "scale")
"""Those that only scale the dot product, by what `scale_of` says."""

LAYER_EPSILON = 1e-5
"""Added to the variance, as torch's LayerNorm does."""


def scale_of(kind: Normalisation, P: int) -> float:
    """Give the factor by which a linear normalisation of both scales the product of L and H."""
    return 1.0 if kind == "none" else float(P**-0.5)


def normalise(features: Float[Tensor, "*shape"], kind: Normalisation, *, dim: int) -> Float[Tensor, "*shape"]:
    """Normalise features along their P numbers.

    Args:
        features: L or H
        kind: none (eq. 3 to the letter), scale (by P^-1/4, so that the product of two is scaled by
            P^-1/2 as in AMDIM's costs.py:55-59), layer (layer norm without weights, then scale; Deep
            InfoMax's mi_networks.py:68-118 has the former), length (to 1)
        dim: the axis of P
    """
    if kind == "none":
        return features
    if kind == "length":
        return F.normalize(features, dim=dim)
    if kind == "layer":
        mean = features.mean(dim=dim, keepdim=True)
        variance = features.var(dim=dim, keepdim=True, unbiased=False)
        features = (features - mean) / variance.add(LAYER_EPSILON).sqrt()
    return features * float(features.shape[dim] ** -0.25)
