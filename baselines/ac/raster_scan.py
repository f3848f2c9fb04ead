"""Convolutions and attention that see only earlier places of a raster scan.

Before an ordinary 3x3 convolution, the map is padded on one side and cropped on the opposite one, so that
the kernel covers earlier places (AC, footnote 2). Without an ordering, the same convolution sees all
neighbours of a place.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

Masking = Literal["shift", "kernel"]
"""How later places are hidden from a 3x3 convolution. shift: by shifts of the map, with all weights in use
(the paper's footnote 2); kernel: the map is padded by two lines before it, and the one weight that would
see a later place of the same line is zero (AC-MM model/maskedconv.py:18-69)."""


@dataclass(frozen=True, kw_only=True)
class Ordering:
    """One of the eight raster scans of a map, given by its first corner and by its fast axis.

    Attributes:
        down: whether it goes from top to bottom, or else from bottom to top
        right: whether it goes from left to right, or else from right to left
        rows: whether it goes row by row, or else column by column
    """

    down: bool
    right: bool
    rows: bool

    @property
    def back(self) -> tuple[int, int]:
        """The shift by one row and one column after which every place sees its predecessors."""
        return (1 if self.down else -1), (1 if self.right else -1)

    @property
    def opposite(self) -> Ordering:
        """The same scan backwards."""
        return Ordering(down=not self.down, right=not self.right, rows=self.rows)


ORDERINGS = tuple(
    Ordering(down=down, right=right, rows=rows) for rows, down, right in product((True, False), repeat=3)
)
"""All eight raster scans."""


def shift(
    maps: Float[Tensor, "batch channel rows columns"], rows: int, columns: int
) -> Float[Tensor, "batch channel rows columns"]:
    """Shift maps down and to the right, or up and to the left if negative; the gap is filled with zeros."""
    return F.pad(maps, (columns, -columns, rows, -rows))


def lines_up_to(
    maps: Float[Tensor, "batch channel rows columns"], ordering: Ordering
) -> Float[Tensor, "batch channel padded_rows padded_columns"]:
    """Pad the map by two earlier lines and one place at its sides, so that a 3x3 kernel ends in its line."""
    forward = ordering.down if ordering.rows else ordering.right
    slow = (2, 0) if forward else (0, 2)
    return F.pad(maps, (1, 1, *slow) if ordering.rows else (*slow, 1, 1))


def passed(
    maps: Float[Tensor, "batch channel rows columns"], ordering: Ordering
) -> Float[Tensor, "batch channel rows columns"]:
    """Shift the channels so that a 3x3 kernel sees only its own place and earlier ones.

    The earlier places of a raster scan do not form a rectangle. So half of the channels are shifted by one
    along both axes, and show the quadrant that ends at the place itself; the other half are shifted by two
    along the slow axis, and show whole earlier lines. Which half is which was chosen by this project.
    """
    down, right = ordering.back
    lines = (2 * down, 0) if ordering.rows else (0, 2 * right)
    quadrant, earlier = maps.tensor_split(2, dim=1)
    return torch.cat([shift(quadrant, down, right), shift(earlier, *lines)], dim=1)


class RasterConv2d(nn.Conv2d):
    """A 3x3 convolution that sees only earlier places of an ordering, or all neighbours without one."""

    def __init__(self, channels: int, out: int, masking: Masking = "shift") -> None:
        """Create the convolution, padded by one pixel."""
        super().__init__(channels, out, 3, padding=1)
        self.masking = masking

    def forward(  # type: ignore[override]
        self, maps: Float[Tensor, "batch channel rows columns"], ordering: Ordering | None
    ) -> Float[Tensor, "batch out rows columns"]:
        """Convolve the map, hiding places that come later in the ordering."""
        if ordering is None:
            return super().forward(maps)
        if self.masking == "shift":
            return super().forward(passed(maps, ordering))
        weights = self._masked(ordering)
        return F.conv2d(lines_up_to(maps, ordering), weights, self.bias)

    def _masked(self, ordering: Ordering) -> Tensor:
        """Return the weights, with a zero for the one that would see the next place."""
        kept = torch.ones_like(self.weight[0, 0])
        kept[1 + ordering.back[0], 1 + ordering.back[1]].zero_()
        masked: Tensor = self.weight * kept
        return masked


class QuadrantConv2d(nn.Conv2d):
    """A 3x3 convolution of an image that sees only the quadrant of earlier rows and columns.

    No pixel of this quadrant lies in a later cell of any grid of squares, whereas pixels of earlier lines
    may. So this convolution can be used before the image is reduced to a grid.
    """

    def __init__(self, channels: int, out: int, stride: int) -> None:
        """Create the convolution, padded by one pixel."""
        super().__init__(channels, out, 3, stride, padding=1)

    def forward(  # type: ignore[override]
        self, images: Float[Tensor, "batch channel height width"], ordering: Ordering | None
    ) -> Float[Tensor, "batch out rows columns"]:
        """Convolve the image, hiding all pixels outside of the quadrant."""
        return super().forward(images if ordering is None else shift(images, *ordering.back))


class RasterAttention(nn.Module):
    """Single-head attention from every place to itself and the earlier places of an ordering.

    The map is flattened in the sequence of the ordering, so that a causal kernel can mask before the softmax
    and weights sum to one. AC-MM (model/attention_layer.py) masks after the softmax, does not scale the
    scores, and reads the attended values with their axes in the wrong order. These peculiarities are not
    reproduced.
    """

    def __init__(self, channels: int, width: int, mixed: bool = False) -> None:
        """Create the layer.

        Args:
            channels: channels of the maps
            width: channels of queries, keys and values
            mixed: whether to concatenate the attended values with the input and mix both by a 1x1
                convolution, as AC-MM does; otherwise they are added
        """
        super().__init__()
        self.project = nn.Conv2d(channels, 3 * width, 1)
        self.merge = nn.Conv2d(width, channels, 1)
        self.mix = nn.Conv2d(2 * channels, channels, 1) if mixed else None

    def forward(
        self, maps: Float[Tensor, "batch channel rows columns"], ordering: Ordering | None
    ) -> Float[Tensor, "batch channel rows columns"]:
        """Compute the attention and combine it with the input."""
        projected = self.project(maps)
        scanned = projected if ordering is None else _turn(projected, ordering)
        query, key, value = scanned.flatten(2).mT.contiguous().chunk(3, dim=2)
        attended = F.scaled_dot_product_attention(query, key, value, is_causal=ordering is not None)
        grid = attended.mT.reshape(len(maps), -1, *scanned.shape[2:])
        merged: Tensor = self.merge(grid if ordering is None else _turn_back(grid, ordering))
        return maps + merged if self.mix is None else self.mix(torch.cat([merged, maps], dim=1))


def _turn(maps: Tensor, ordering: Ordering) -> Tensor:
    """Flip or transpose a map so that row-by-row order from the top left follows the ordering."""
    flipped = maps.flip(_flips(ordering))
    return flipped if ordering.rows else flipped.mT


def _turn_back(maps: Tensor, ordering: Ordering) -> Tensor:
    return (maps if ordering.rows else maps.mT).flip(_flips(ordering))


def _flips(ordering: Ordering) -> list[int]:
    return [axis for axis, forward in ((2, ordering.down), (3, ordering.right)) if not forward]
