"""The autoregressive network of AC, after the unofficial AC-MM (model/components.py, model/model.py)."""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from infoseg_bench.baselines.ac.raster_scan import (
    Masking,
    Ordering,
    QuadrantConv2d,
    RasterAttention,
    RasterConv2d,
)

ATTENTION_AFTER = 2
"""Number of blocks before the attention layer (AC-MM model/model.py)."""

Block = Literal["reference", "after-sum"]
"""Form of the residual blocks and of the attention layer. In blocks of the form "reference", a ReLU follows
each of the two convolutions but not the sum with the shortcut (AC-MM model/components.py:18-55); with
"after-sum", it follows the first convolution and the sum. The output of a "reference" attention layer is
concatenated with its input and mixed by a 1x1 convolution (model/attention_layer.py); with "after-sum", it
is added to its input."""


class AutoregressiveNetwork(nn.Module):
    """Computes a grid of features from images; every place sees only what comes before it in an ordering.

    A place of the grid stands for a square of `stride` x `stride` pixels. Without an ordering, every place
    sees its whole surroundings; this is how AC predicts. Batch normalisation follows only the stem's
    convolution; in training its statistics are those of whole batches, and this is all that leaks to earlier
    places.
    """

    def __init__(
        self,
        *,
        channels: int,
        width: int,
        stride: int,
        blocks: int,
        attention: int,
        batch_norm: bool,
        block: Block = "reference",
        masking: Masking = "shift",
    ) -> None:
        """Create the network with AC-MM's initial weights.

        Args:
            channels: channels of the images
            width: channels of the stem; every block doubles them
            stride: pixels per place, 2 or 4
            blocks: number of residual blocks
            attention: channels of queries, keys and values; 0: no attention
            batch_norm: whether the stem has batch normalisation
            block: form of the residual blocks and of the attention layer
            masking: how later places are hidden from 3x3 convolutions
        """
        super().__init__()
        self.stem = QuadrantConv2d(channels, width, stride // 2)
        self.norm = nn.BatchNorm2d(width) if batch_norm else nn.Identity()
        self.blocks = nn.ModuleList(
            AutoregressiveBlock(width << number, block, masking) for number in range(blocks)
        )
        self.out_channels = width << blocks
        before = width << ATTENTION_AFTER
        self.attention = RasterAttention(before, attention, block == "reference") if attention else None
        self.apply(initialise)

    def forward(
        self, images: Float[Tensor, "batch channel height width"], ordering: Ordering | None = None
    ) -> Float[Tensor, "batch feature rows columns"]:
        """Compute the features; height and width are multiples of the stride."""
        # AC-MM pools 3x3 with overlap, which would let every place see later ones.
        grid = F.max_pool2d(self.norm(self.stem(images, ordering)).relu(), 2)
        for number, block in enumerate(self.blocks, start=1):
            grid = block(grid, ordering)
            if number == ATTENTION_AFTER and self.attention is not None:
                grid = self.attention(grid, ordering)
        return grid


class AutoregressiveBlock(nn.Module):
    """Three residual pairs of convolutions: the first sees earlier places, the others mix channels."""

    def __init__(self, channels: int, block: Block, masking: Masking) -> None:
        """Create a block that doubles the channels."""
        super().__init__()
        out = 2 * channels
        self.block = block
        self.look = RasterConv2d(channels, out, masking)
        self.follow = nn.Conv2d(out, out, 1)
        self.mixers = nn.ModuleList(
            nn.Sequential(nn.Conv2d(out, out, 1), nn.ReLU(inplace=True), nn.Conv2d(out, out, 1))
            for _ in range(2)
        )

    def forward(
        self, grid: Float[Tensor, "batch channel rows columns"], ordering: Ordering | None
    ) -> Float[Tensor, "batch out rows columns"]:
        """Compute the block; the first shortcut pads the new channels with zeros."""
        shortcut = F.pad(grid, (0, 0, 0, 0, 0, grid.shape[1]))
        features = self._joined(shortcut, self.follow(self.look(grid, ordering).relu()))
        for mixer in self.mixers:
            features = self._joined(features, mixer(features))
        return features

    def _joined(self, shortcut: Tensor, added: Tensor) -> Tensor:
        return shortcut + added.relu() if self.block == "reference" else F.relu(shortcut + added)


def initialise(module: nn.Module) -> None:
    """Set AC-MM's initial weights, Xavier normal (model/model.py:6-10).

    Zero biases were chosen by this project.
    """
    if isinstance(module, nn.Conv2d):
        nn.init.xavier_normal_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
