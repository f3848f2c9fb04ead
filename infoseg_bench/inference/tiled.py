"""Segmentation of photos of any size, in overlapping tiles of the size on which the method was evaluated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
import torch
from jaxtyping import Float, Int16, Int64, UInt8
from torch import Tensor

from infoseg_bench.data.train_images import to_float

BATCH = 256
"""Maximum number of tiles per batch; chosen by this project."""

BATCH_PIXELS = 1 << 18
"""Maximum number of pixels per batch, so that memory does not grow with the photo; chosen by this project: 16
tiles of 128x128."""


@dataclass(frozen=True)
class Span:
    """One tile along one side of a photo: its start, and the part [first, end) of the side it predicts."""

    start: int
    first: int
    end: int


def spans(length: int, side: int) -> list[Span]:
    """Return tiles that cover a length and overlap by at least half; each is used up to mid-overlap.

    A length smaller than a tile is centred and padded, as in evaluations (IIC's transforms).

    Args:
        length: length in pixels
        side: side of a tile in pixels
    """
    if length <= side:
        return [Span(int((length - side) / 2), 0, length)]
    count = -(-(length - side) // max(1, side // 2)) + 1
    starts = [round(index * (length - side) / (count - 1)) for index in range(count)]
    borders = [(left + side + right) // 2 for left, right in pairwise(starts)]
    return [
        Span(start, first, end)
        for start, first, end in zip(starts, [0, *borders], [*borders, length], strict=True)
    ]


def segment_tiled(
    image: UInt8[np.ndarray, "height width channel"],
    side: int,
    predict: Callable[[Float[Tensor, "batch channel side side"]], Int64[Tensor, "batch side side"]],
    device: torch.device,
) -> Int16[np.ndarray, "height width"]:
    """Return the cluster of every pixel, predicted in overlapping tiles.

    Args:
        image: the pixels
        side: side of the tiles in pixels
        predict: returns the clusters of a batch of tiles with values in [0, 1]
        device: the device of the tiles
    """
    height, width = image.shape[:2]
    clusters = np.zeros((height, width), dtype=np.int16)
    places = list(product(spans(height, side), spans(width, side)))
    size = min(BATCH, max(1, BATCH_PIXELS // side**2))
    for begin in range(0, len(places), size):
        tiles = places[begin : begin + size]
        cut = np.stack([_cut(image, rows.start, columns.start, side) for rows, columns in tiles])
        images = to_float(torch.from_numpy(cut).permute(0, 3, 1, 2)).to(device)
        for (rows, columns), predicted in zip(tiles, predict(images).cpu().numpy(), strict=True):
            clusters[rows.first : rows.end, columns.first : columns.end] = predicted[
                rows.first - rows.start : rows.end - rows.start,
                columns.first - columns.start : columns.end - columns.start,
            ]
    return clusters


def _cut(image: np.ndarray, top: int, left: int, side: int) -> np.ndarray:
    tile = np.zeros((side, side, image.shape[2]), dtype=np.uint8)
    part = image[max(top, 0) : top + side, max(left, 0) : left + side]
    down, right = max(-top, 0), max(-left, 0)
    tile[down : down + part.shape[0], right : right + part.shape[1]] = part
    return tile
