"""What is done to L and H before their dot product; the paper says nothing of it.

- none: eq. 3 to the letter
- scale: each by P^-1/4, so that the product of two is scaled by P^-1/2, as in AMDIM's costs.py:55-59
- layer: layer norm without weights, as in Deep InfoMax's mi_networks.py:68-118, then scale
- global-layer: that for H, and scale alone for L
- length: to 1
"""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

Normalisation = Literal["none", "scale", "layer", "global-layer", "length"]

LINEAR_IN_L: tuple[Normalisation, ...] = ("none", "scale", "global-layer")
"""Those that do no more to L than scale it."""

LAYER_EPSILON = 1e-5
"""Added to the variance, as torch's LayerNorm does."""


def normalise_local(
    L: Float[Tensor, "batch P rows columns"], kind: Normalisation
) -> Float[Tensor, "batch P rows columns"]:
    """Normalise local features along their P numbers."""
    return _normalise(L, "scale" if kind == "global-layer" else kind, dim=1)


def normalise_global(H: Float[Tensor, "batch K P"], kind: Normalisation) -> Float[Tensor, "batch K P"]:
    """Normalise global features along their P numbers."""
    return _normalise(H, "layer" if kind == "global-layer" else kind, dim=2)


def scale_of_local(kind: Normalisation, P: int) -> float:
    """Return the factor that a normalisation linear in L is."""
    return 1.0 if kind == "none" else float(P**-0.25)


def _normalise(features: Tensor, kind: Normalisation, *, dim: int) -> Tensor:
    if kind == "none":
        return features
    if kind == "length":
        return F.normalize(features, dim=dim)
    if kind == "layer":
        mean = features.mean(dim=dim, keepdim=True)
        variance = features.var(dim=dim, keepdim=True, unbiased=False)
        features = (features - mean) / variance.add(LAYER_EPSILON).sqrt()
    return features * float(features.shape[dim] ** -0.25)
