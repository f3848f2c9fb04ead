"""Normalisation of L and H before their dot product, which the paper does not specify.

- none: no normalisation, exactly eq. 3
- scale: multiply each by P^-1/4, so that the product of two is scaled by P^-1/2, as in AMDIM's costs.py:55-59
- layer: layer normalisation as in Deep InfoMax's mi_networks.py:68-118, then scale
- layer-unscaled: layer normalisation alone, exactly as in Deep InfoMax
- global-layer: layer for H, scale for L
- length: divide by the Euclidean norm
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

Normalisation = Literal["none", "scale", "layer", "layer-unscaled", "global-layer", "length"]

LINEAR_IN_L: tuple[Normalisation, ...] = ("none", "scale", "global-layer")
"""Normalisations that at most multiply L by a constant."""


class Normalise(nn.Module):
    """Normalises features along their last axis, the P channels."""

    def __init__(self, kind: Normalisation, P: int, *, weights: bool) -> None:
        """Build the normalisation.

        Args:
            kind: kind of normalisation; "global-layer" must have been resolved by `of_local` or `of_global`
            P: length of a feature
            weights: whether layer normalisation has a learnt weight and bias per channel, as in Deep InfoMax
        """
        super().__init__()
        self.factor = 1.0 if kind in ("none", "layer-unscaled", "length") else float(P**-0.25)
        self.to_length_one = kind == "length"
        self.layer = nn.LayerNorm(P, elementwise_affine=weights) if kind.startswith("layer") else None

    def forward(self, features: Float[Tensor, "*shape P"]) -> Float[Tensor, "*shape P"]:
        """Return the normalised features."""
        if self.to_length_one:
            return F.normalize(features, dim=-1)
        if self.layer is not None and features.dtype == torch.bfloat16:
            return self._in_one_pass(self.layer, features)
        if self.layer is not None:
            features = self.layer(features)
        return features if self.factor == 1.0 else features * self.factor

    def _in_one_pass(self, layer: nn.LayerNorm, features: Tensor) -> Tensor:
        """Return the same as bfloat16, with sums in float32 but without a float32 copy of all features.

        At the paper's sizes L has 67 million numbers. Autocast would write them in float32 three times:
        before the normalisation, after it, and times the factor.
        """
        scale = features.new_full(layer.normalized_shape, self.factor, dtype=torch.float32)
        weight = scale if layer.weight is None else layer.weight * scale
        bias = None if layer.bias is None else (layer.bias * scale).to(features.dtype)
        with torch.autocast(features.device.type, enabled=False):
            return F.layer_norm(features, layer.normalized_shape, weight.to(features.dtype), bias, layer.eps)


def of_local(kind: Normalisation) -> Normalisation:
    """Return the kind of normalisation of local features."""
    return "scale" if kind == "global-layer" else kind


def of_global(kind: Normalisation) -> Normalisation:
    """Return the kind of normalisation of global features."""
    return "layer" if kind == "global-layer" else kind
