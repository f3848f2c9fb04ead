"""Scaling as OpenCV does it, because IIC scaled its data with OpenCV (IIC cocostuff.py:113-120)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Float32, Int64, Shaped, UInt8


def scale_bilinear(
    image: UInt8[np.ndarray, "height width channel"], factor: float
) -> UInt8[np.ndarray, "scaled_height scaled_width channel"]:
    """Scale an image as `cv2.resize(..., interpolation=INTER_LINEAR)` does, to within one grey level.

    There is no antialiasing: every pixel mixes four neighbours, however much the image shrinks. The
    difference of one level comes from OpenCV's fixed-point arithmetic.

    Args:
        image: values 0 to 255
        factor: scaled side divided by side; if the size stays the same, `image` itself is returned

    Raises:
        ValueError: a side would be shorter than one pixel
    """
    if _keeps_size(image.shape, factor):
        return image
    height, width, channels = image.shape
    upper, lower, down = _linear_sources(height, factor)
    left, right, across = _linear_sources(width, factor, channels)
    lines = image.reshape(height, width * channels)
    # Rows are selected before columns, because a row is contiguous in memory.
    top, bottom, weight = lines[upper], lines[lower], down[:, None]
    start = _between(top.take(left, axis=1), bottom.take(left, axis=1), weight)
    end = _between(top.take(right, axis=1), bottom.take(right, axis=1), weight)
    mixed = _between(start, end, across)
    mixed += np.float32(0.5)
    return mixed.astype(np.uint8).reshape(len(upper), -1, channels)


def scale_nearest(
    labels: UInt8[np.ndarray, "height width"], factor: float
) -> UInt8[np.ndarray, "scaled_height scaled_width"]:
    """Scale a label map exactly as `cv2.resize(..., interpolation=INTER_NEAREST)` does.

    Args:
        labels: any codes
        factor: scaled side divided by side; if the size stays the same, `labels` itself is returned

    Raises:
        ValueError: a side would be shorter than one pixel
    """
    if _keeps_size(labels.shape, factor):
        return labels
    rows, columns = (nearest_sources(side, factor) for side in labels.shape)
    return np.asarray(labels[rows[:, None], columns])


def scaled_side(side: int, factor: float) -> int:
    """Return a scaled side in pixels; halves are rounded to even, as OpenCV does.

    Raises:
        ValueError: it would be shorter than one pixel
    """
    scaled = round(side * factor)
    if scaled < 1:
        raise ValueError(f"a side of {side} pixels scaled by {factor} is shorter than one pixel")
    return scaled


def nearest_sources(side: int, factor: float) -> Int64[np.ndarray, " scaled"]:
    """Return the source position that INTER_NEAREST takes for every position along a scaled side."""
    positions = np.floor(np.arange(scaled_side(side, factor)) * (1 / factor)).astype(np.int64)
    return np.asarray(np.minimum(positions, side - 1))


def _keeps_size(shape: tuple[int, ...], factor: float) -> bool:
    # OpenCV then copies, even if the factor is not 1 and the size only stays the same by rounding.
    return all(scaled_side(side, factor) == side for side in shape[:2])


def _between(
    first: Shaped[np.ndarray, "rows columns"],
    second: Shaped[np.ndarray, "rows columns"],
    weight: Float32[np.ndarray, "*axes"],
) -> Float32[np.ndarray, "rows columns"]:
    """Interpolate between two images of equal size; `weight`, in [0, 1], is that of the second."""
    mixed = second.astype(np.float32)
    first = first.astype(np.float32)
    mixed -= first
    mixed *= weight
    mixed += first
    return mixed


@lru_cache(maxsize=64)
def _linear_sources(
    side: int, factor: float, channels: int = 1
) -> tuple[Int64[np.ndarray, " scaled"], Int64[np.ndarray, " scaled"], Float32[np.ndarray, " scaled"]]:
    """Return the two source positions of every position along a scaled side, and the weight of the second.

    With several `channels`, positions refer to a row of interleaved channels.
    """
    centres = (np.arange(scaled_side(side, factor)) + 0.5) / factor - 0.5
    centres = centres.clip(0, side - 1)
    lower = np.floor(centres).astype(np.int64)
    weight = (centres - lower).astype(np.float32)
    first, second = (
        (pixel[:, None] * channels + np.arange(channels)).ravel()
        for pixel in (lower, np.minimum(lower + 1, side - 1))
    )
    return first, second, np.repeat(weight, channels)
