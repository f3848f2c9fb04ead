"""Halving of aerial tiles, cutting into blocks, and conversion of label colours to classes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import numpy as np
from jaxtyping import UInt8

from infoseg_bench.data.photo import StoredPhoto
from infoseg_bench.data.view import VOID
from infoseg_bench.images.resize import scale_bilinear, scale_nearest
from infoseg_bench.utils.parallel import ordered_map
from infoseg_bench.utils.progress import no_progress

STRAY = 16
"""Added to the class of a pixel whose label colour is close to the colour of the class, but not equal."""


def cut_tile(
    name: str,
    tile: UInt8[np.ndarray, "side side band"],
    labels: UInt8[np.ndarray, "side side 3"] | None,
    *,
    block: int,
    classes: Callable[[UInt8[np.ndarray, "rows columns 3"]], UInt8[np.ndarray, "rows columns"]],
) -> list[StoredPhoto]:
    """Halve a tile, and return it in blocks without overlap, row by row; uses all cores.

    Args:
        name: name of the tile; blocks are named name-row-column
        tile: the tile, whose side is a multiple of two blocks
        labels: label colours of the same size, or None
        block: side of a block in pixels, after halving
        classes: function that turns label colours into stored labels
    """
    count = tile.shape[0] // (2 * block)

    def one_row(row: int) -> list[StoredPhoto]:
        lines = slice(2 * block * row, 2 * block * (row + 1))
        image = scale_bilinear(tile[lines], 0.5)
        mapped = None if labels is None else classes(_halved_colours(labels[lines]))
        columns = [slice(block * column, block * (column + 1)) for column in range(count)]
        return [
            StoredPhoto(
                id=f"{name}-{row:02d}-{column:02d}",
                image=image[:, columns[column]],
                labels=None if mapped is None else mapped[:, columns[column]],
            )
            for column in range(count)
        ]

    with closing(ordered_map(one_row, range(count), no_progress, name)) as rows:
        return [photo for row in rows for photo in row]


def classes_of_colours(
    colours: UInt8[np.ndarray, "rows columns 3"],
    palette: tuple[tuple[int, int, int], ...],
    *,
    tolerance: int,
) -> UInt8[np.ndarray, "rows columns"]:
    """Return the stored labels of colours.

    Args:
        colours: red, green and blue, 0 to 255
        palette: colours of the classes, with every channel 0 or 255
        tolerance: largest difference in any channel at which a colour still counts as that of a class

    Returns:
        the class index; class index + STRAY if the colour is only close to that of the class; VOID if it is
        close to none
    """
    nearest = np.full(8, VOID, dtype=np.uint8)
    for index, colour in enumerate(palette):
        nearest[_corner(np.array(colour, dtype=np.uint8))] = index
    found: UInt8[np.ndarray, "rows columns"] = nearest[_corner(colours)]
    distance = np.minimum(colours, 255 - colours).max(axis=-1)
    stray = (distance > 0) & (found != VOID)
    found[stray] += STRAY
    found[distance > tolerance] = VOID
    return found


def _corner(colours: UInt8[np.ndarray, "*rows 3"]) -> UInt8[np.ndarray, "*rows"]:
    """Return the number of the nearest corner of the colour cube."""
    bits = (colours >= 128).astype(np.uint8)
    return np.asarray(4 * bits[..., 0] + 2 * bits[..., 1] + bits[..., 2])


def _halved_colours(
    labels: UInt8[np.ndarray, "rows columns 3"],
) -> UInt8[np.ndarray, "half_rows half_columns 3"]:
    return np.stack([scale_nearest(labels[..., band], 0.5) for band in range(3)], axis=-1)
