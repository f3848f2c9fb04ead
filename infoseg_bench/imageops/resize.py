"""Scaling as OpenCV does it, which is how the published benchmarks were scaled (IIC cocostuff.py:113-120)."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Int64, UInt8


def scale_bilinear(
    image: UInt8[np.ndarray, "height width channel"], factor: float
) -> UInt8[np.ndarray, "scaled_height scaled_width channel"]:
    """Scale a photo as `cv2.resize(..., interpolation=INTER_LINEAR)`, to within one grey level.

    There is no antialiasing: every pixel mixes four neighbours, however much the photo shrinks.
    OpenCV mixes in fixed point, hence the one level.

    Args:
        image: grey levels of 0 to 255
        factor: scaled side over side; where the size stays the same, `image` itself is given

    Raises:
        ValueError: a side would be shorter than one pixel
    """
    if _keeps_size(image.shape, factor):
        return image
    upper, lower, down = _linear_sources(image.shape[0], factor)
    left, right, across = _linear_sources(image.shape[1], factor)
    # Only the rows that are needed, and first of all rows, because they lie together in memory.
    top, bottom = image[upper].astype(np.float32), image[lower].astype(np.float32)
    rows = top + (bottom - top) * down[:, None, None]
    start, end = rows[:, left], rows[:, right]
    mixed = start + (end - start) * across[:, None]
    return np.asarray(mixed + 0.5, dtype=np.uint8)


def scale_nearest(
    labels: UInt8[np.ndarray, "height width"], factor: float
) -> UInt8[np.ndarray, "scaled_height scaled_width"]:
    """Scale a label map as `cv2.resize(..., interpolation=INTER_NEAREST)`, exactly.

    Args:
        labels: any codes
        factor: scaled side over side; where the size stays the same, `labels` itself is given

    Raises:
        ValueError: a side would be shorter than one pixel
    """
    if _keeps_size(labels.shape, factor):
        return labels
    rows, columns = (nearest_sources(side, factor) for side in labels.shape)
    return np.asarray(labels[rows[:, None], columns])


def scaled_side(side: int, factor: float) -> int:
    """Give a scaled side in pixels; halves are rounded to even, as OpenCV does.

    Raises:
        ValueError: it would be shorter than one pixel
    """
    scaled = round(side * factor)
    if scaled < 1:
        raise ValueError(f"a side of {side} pixels scaled by {factor} has no pixel left")
    return scaled


def nearest_sources(side: int, factor: float) -> Int64[np.ndarray, " scaled"]:
    """Give the source position that INTER_NEAREST takes for every position along a scaled side."""
    positions = np.floor(np.arange(scaled_side(side, factor)) * (1 / factor)).astype(np.int64)
    return np.asarray(np.minimum(positions, side - 1))


def _keeps_size(shape: tuple[int, ...], factor: float) -> bool:
    # OpenCV copies then, even where the factor is not 1 and only rounding keeps the size.
    return all(scaled_side(side, factor) == side for side in shape[:2])


def _linear_sources(
    side: int, factor: float
) -> tuple[Int64[np.ndarray, " scaled"], Int64[np.ndarray, " scaled"], Float32[np.ndarray, " scaled"]]:
    centres = (np.arange(scaled_side(side, factor)) + 0.5) / factor - 0.5
    centres = centres.clip(0, side - 1)
    lower = np.floor(centres).astype(np.int64)
    return lower, np.minimum(lower + 1, side - 1), (centres - lower).astype(np.float32)
