"""The centre crop in numpy: the position of the scored pixels in a photo."""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8


def crop_corner(height: int, width: int, crop: int) -> tuple[int, int]:
    """Return the top and left of the centre crop, negative if the photo is smaller and will be padded.

    The centres of photo and crop, each rounded down, coincide, as in `PhotoIndex.centre`.
    """
    return height // 2 - crop // 2, width // 2 - crop // 2


def crop_slices(height: int, width: int, crop: int) -> tuple[slice, slice]:
    """Return the rows and columns of a photo that are in the centre crop, without padding."""
    top, left = crop_corner(height, width, crop)
    rows = slice(max(top, 0), min(top + crop, height))
    return rows, slice(max(left, 0), min(left + crop, width))


def centre_crop(labels: UInt8[np.ndarray, "height width"], crop: int) -> UInt8[np.ndarray, "rows columns"]:
    """Cut the centre crop out of a label map, without padding: at most `crop` rows and columns."""
    rows, columns = crop_slices(labels.shape[0], labels.shape[1], crop)
    return labels[rows, columns]
