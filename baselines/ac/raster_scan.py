"""Convolutions that see only what a raster scan has passed.

Before an ordinary 3x3 convolution the map is padded on one side and cropped on the opposite one, so
that the kernel looks back (AC, footnote 2). Without an ordering the same convolution sees all its
neighbours.
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
"""How a 3x3 convolution is kept from later places. shift: by shifts of the map alone, every weight in use
(the paper's footnote 2); kernel: the map is padded by two lines before it, and the one weight that would
see a later place of the same line is zero (AC-MM model/maskedconv.py:18-69)."""


@dataclass(frozen=True, kw_only=True)
class Ordering:
    """One of the eight raster scans of a map: the corner it starts in, and what it scans first.

    Attributes:
        down: from top to bottom; False: from bottom to top
        right: from left to right; False: from right to left
        rows: row by row; False: column by column
    """

    down: bool
    right: bool
    rows: bool

    @property
    def back(self) -> tuple[int, int]:
        """The shift of one row and one column with which every place sees its predecessors."""
        return (1 if self.down else -1), (1 if self.right else -1)

    @property
    def opposite(self) -> Ordering:
        """The same scan backwards."""
        return Ordering(down=not self.down, right=not self.right, rows=self.rows)


ORDERINGS = tuple(
    Ordering(down=down, right=right, rows=rows) for rows, down, right in product((True, False), repeat=3)
)
"""All eight."""


def shift(
    maps: Float[Tensor, "batch channel rows columns"], rows: int, columns: int
) -> Float[Tensor, "batch channel rows columns"]:
    """Move the content down and to the right, or up and to the left where negative; zeros follow."""
    return F.pad(maps, (columns, -columns, rows, -rows))


def lines_up_to(
    maps: Float[Tensor, "batch channel rows columns"], ordering: Ordering
) -> Float[Tensor, "batch channel padded_rows padded_columns"]:
    """Pad two lines before the map and one place at its sides, so that a 3x3 kernel ends with its line."""
    forward = ordering.down if ordering.rows else ordering.right
    slow = (2, 0) if forward else (0, 2)
    return F.pad(maps, (1, 1, *slow) if ordering.rows else (*slow, 1, 1))


def passed(
    maps: Float[Tensor, "batch channel rows columns"], ordering: Ordering
) -> Float[Tensor, "batch channel rows columns"]:
    """Shift the channels so that a 3x3 kernel sees only what the scan has passed, its place included.

    No rectangle holds the past of a raster scan, so half of the channels is shifted by one along
    both axes, and gives the quadrant that ends with the place itself; the other half is shifted by
    two along the slow axis, and gives whole lines before it. Which half was chosen by this project.
    """
    down, right = ordering.back
    lines = (2 * down, 0) if ordering.rows else (0, 2 * right)
    quadrant, earlier = maps.tensor_split(2, dim=1)
    return torch.cat([shift(quadrant, down, right), shift(earlier, *lines)], dim=1)


class RasterConv2d(nn.Conv2d):
    """A 3x3 convolution that looks back along an ordering, or all around without one."""

    def __init__(self, channels: int, out: int, masking: Masking = "shift") -> None:
        """Build it, padded by one pixel."""
        super().__init__(channels, out, 3, padding=1)
        self.masking = masking

    def forward(  # type: ignore[override]
        self, maps: Float[Tensor, "batch channel rows columns"], ordering: Ordering | None
    ) -> Float[Tensor, "batch out rows columns"]:
        """Convolve what the ordering has passed."""
        if ordering is None:
            return super().forward(maps)
        if self.masking == "shift":
            return super().forward(passed(maps, ordering))
        weights = self._masked(ordering)
        return F.conv2d(lines_up_to(maps, ordering), weights, self.bias)

    def _masked(self, ordering: Ordering) -> Tensor:
        """Return the weights without the one that would see the place after the present one."""
        kept = torch.ones_like(self.weight[0, 0])
        kept[1 + ordering.back[0], 1 + ordering.back[1]] = 0
        masked: Tensor = self.weight * kept
        return masked


class QuadrantConv2d(nn.Conv2d):
    """A 3x3 convolution of an image that sees the quadrant behind a pixel.

    Pixels of this quadrant lie in no later cell of any grid of squares, which whole lines of pixels
    would. So it may come before the image is reduced to a grid.
    """

    def __init__(self, channels: int, out: int, stride: int) -> None:
        """Build it, padded by one pixel."""
        super().__init__(channels, out, 3, stride, padding=1)

    def forward(  # type: ignore[override]
        self, images: Float[Tensor, "batch channel height width"], ordering: Ordering | None
    ) -> Float[Tensor, "batch out rows columns"]:
        """Convolve the quadrant."""
        return super().forward(images if ordering is None else shift(images, *ordering.back))


class RasterAttention(nn.Module):
    """Attention with one head from every place to those that an ordering has passed, itself included.

    The map is laid out in the ordering's sequence, so a causal kernel applies that masks before the
    softmax: weights sum to one. AC-MM's (model/attention_layer.py) masks afterwards, so that they do not,
    divides scores by nothing, and reads the attended values in another order of axes than they were
    written in; none of this is offered.
    """

    def __init__(self, channels: int, width: int, mixed: bool = False) -> None:
        """Build it.

        Args:
            channels: of the maps
            width: channels of queries, keys and values
            mixed: lay what is attended to beside the input and mix both by a 1x1 convolution, as AC-MM;
                else it is added
        """
        super().__init__()
        self.project = nn.Conv2d(channels, 3 * width, 1)
        self.merge = nn.Conv2d(width, channels, 1)
        self.mix = nn.Conv2d(2 * channels, channels, 1) if mixed else None

    def forward(
        self, maps: Float[Tensor, "batch channel rows columns"], ordering: Ordering | None
    ) -> Float[Tensor, "batch channel rows columns"]:
        """Join what is attended to with the input."""
        projected = self.project(maps)
        scanned = projected if ordering is None else _turn(projected, ordering)
        query, key, value = scanned.flatten(2).mT.contiguous().chunk(3, dim=2)
        attended = F.scaled_dot_product_attention(query, key, value, is_causal=ordering is not None)
        grid = attended.mT.reshape(len(maps), -1, *scanned.shape[2:])
        merged: Tensor = self.merge(grid if ordering is None else _turn_back(grid, ordering))
        return maps + merged if self.mix is None else self.mix(torch.cat([merged, maps], dim=1))


def _turn(maps: Tensor, ordering: Ordering) -> Tensor:
    """Turn a map so that reading it like a page follows the ordering."""
    flipped = maps.flip(_flips(ordering))
    return flipped if ordering.rows else flipped.mT


def _turn_back(maps: Tensor, ordering: Ordering) -> Tensor:
    return (maps if ordering.rows else maps.mT).flip(_flips(ordering))


def _flips(ordering: Ordering) -> list[int]:
    return [axis for axis, forward in ((2, ordering.down), (3, ordering.right)) if not forward]
