"""Vision transformers (Dosovitskiy et al., 2021), as in the released code of DINO, DINOv2 and timm.

The modules have the names of DINO's vision_transformer.py, so that its files of weights, and those of DINOv2,
DeiT and timm, fit without conversion. All sizes are read from the shapes of the weights.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from infoseg_bench.baselines.features.backbone import Backbone

HEAD = 64
"""Channels per attention head, which the weights do not tell: width over heads of ViT-Ti, S and B (DINO
vision_transformer.py:236-254) and of ViT-L."""
EPSILON = 1e-6
"""Of layer normalisation (DINO vision_transformer.py:239)."""
OFFSET = 0.1
"""Added to the number of patches where position embeddings are resized, which changes them a little (DINO
vision_transformer.py:184-192, DINOv2's `interpolate_offset`)."""
Tokens = Float[Tensor, "batch token width"]


class Sizes(NamedTuple):
    """What distinguishes the networks.

    Attributes:
        width: channels of every token
        depth: number of blocks
        patch: side of the patches in pixels
        positions: shape of the position embeddings without batch, tokens by width
        registers: number of register tokens (DINOv2)
        scaled: whether branches are multiplied by learned factors, "layer scale" (DINOv2)
    """

    width: int
    depth: int
    patch: int
    positions: int
    registers: int = 0
    scaled: bool = False


VIT_S_16 = Sizes(width=384, depth=12, patch=16, positions=1 + 14 * 14)
"""ViT-S/16 for images of 224 pixels (DINO vision_transformer.py:243-247)."""


def sizes_of(weights: Mapping[str, Tensor]) -> Sizes:
    """Return the sizes of the network that weights belong to.

    Raises:
        KeyError: they are not those of a vision transformer
    """
    filters, registers = weights["patch_embed.proj.weight"], weights.get("register_tokens")
    return Sizes(
        width=filters.shape[0],
        depth=len({name.split(".")[1] for name in weights if name.startswith("blocks.")}),
        patch=filters.shape[-1],
        positions=weights["pos_embed"].shape[1],
        registers=0 if registers is None else registers.shape[1],
        scaled="blocks.0.ls1.gamma" in weights,
    )


class VisionTransformer(Backbone):
    """A vision transformer without a head.

    Attributes:
        stride: side of the patches in pixels, of which images' sides must be multiples
        depth: number of blocks
    """

    def __init__(self, sizes: Sizes) -> None:
        """Draw random weights from torch's global generator, as DINO does before training."""
        super().__init__()
        self.stride, self.depth = sizes.patch, sizes.depth
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, sizes.width, sizes.patch, sizes.patch)})
        self.cls_token = nn.Parameter(torch.empty(1, 1, sizes.width))
        self.pos_embed = nn.Parameter(torch.empty(1, sizes.positions, sizes.width))
        if sizes.registers:
            self.register_tokens = nn.Parameter(torch.empty(1, sizes.registers, sizes.width))
        self.blocks = nn.ModuleList(_Block(sizes.width, sizes.scaled) for _ in range(sizes.depth))
        self.norm = nn.LayerNorm(sizes.width, eps=EPSILON)
        for name, values in self.named_parameters():
            # DINO vision_transformer.py:161-172: truncated normal, deviation 0.02; biases zero.
            if values.dim() in (2, 3):
                nn.init.trunc_normal_(values, std=0.02)
            elif name.startswith("blocks.") and name.endswith("bias"):
                nn.init.zeros_(values)

    def forward(
        self, images: Float[Tensor, "batch 3 height width"], layer: int
    ) -> Float[Tensor, "batch feature rows columns"]:
        """Return the patches' tokens after a block, normalised by the last layer (DINO :225-233).

        Args:
            images: normalised images, whose sides are multiples of the stride
            layer: number of the block, counted from the end: 1 is the last one
        """
        patches = self.patch_embed["proj"](images)
        rows, columns = patches.shape[-2:]
        tokens = self._embedded(patches)
        for block in self.blocks[: self.depth - layer + 1]:
            tokens = block(tokens)
        found: Tensor = self.norm(tokens)[:, -rows * columns :]
        return found.mT.reshape(*found.shape[::2], rows, columns)

    def _embedded(self, patches: Float[Tensor, "batch width rows columns"]) -> Tokens:
        """Return class token, registers and patches, in this order, with positions added."""
        leading, places = self._positions(*patches.shape[-2:])
        first = (self.cls_token + leading).expand(len(patches), -1, -1)
        registers = getattr(self, "register_tokens", first[:1, :0]).expand(len(patches), -1, -1)
        return torch.cat([first, registers, patches.flatten(2).mT + places], dim=1)

    def _positions(self, rows: int, columns: int) -> tuple[Tensor, Tensor]:
        """Return the embeddings of the class token and of all places, resized bicubically as in DINO."""
        side = math.isqrt(self.pos_embed.shape[1])
        own = self.pos_embed.shape[1] - side**2
        grid = self.pos_embed[:, own:].mT.reshape(1, -1, side, side)
        if (rows, columns) != (side, side):
            scale = (rows + OFFSET) / side, (columns + OFFSET) / side
            grid = F.interpolate(grid, scale_factor=scale, mode="bicubic")
        return self.pos_embed[:, :own].sum(dim=1, keepdim=True), grid.flatten(2).mT


class _Block(nn.Module):
    """Self-attention and a network of two layers, each with a normalisation before and a shortcut around."""

    def __init__(self, width: int, scaled: bool) -> None:
        super().__init__()
        self.norm1, self.norm2 = (nn.LayerNorm(width, eps=EPSILON) for _ in range(2))
        self.attn = nn.ModuleDict({"qkv": nn.Linear(width, 3 * width), "proj": nn.Linear(width, width)})
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(width, 4 * width), "fc2": nn.Linear(4 * width, width)})
        self.ls1, self.ls2 = (_LayerScale(width) if scaled else nn.Identity() for _ in range(2))

    def forward(self, tokens: Tokens) -> Tokens:
        tokens = tokens + self.ls1(self._attended(self.norm1(tokens)))
        added: Tensor = self.ls2(self.mlp["fc2"](F.gelu(self.mlp["fc1"](self.norm2(tokens)))))
        return tokens + added

    def _attended(self, tokens: Tokens) -> Tokens:
        joint: Tensor = self.attn["qkv"](tokens)
        heads = joint.view(*tokens.shape[:2], 3, -1, HEAD).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(heads[0], heads[1], heads[2])
        found: Tensor = self.attn["proj"](mixed.transpose(1, 2).flatten(2))
        return found


class _LayerScale(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, values: Tokens) -> Tokens:
        scaled: Tensor = values * self.gamma
        return scaled
