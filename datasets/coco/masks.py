"""COCO's segmentations, which are polygons or run lengths, as masks of one photo.

pycocotools reads and writes beyond its buffers if run lengths do not match the photo's size, so they are
checked here first.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from jaxtyping import Bool

RunLengths = dict[str, Any]
"""pycocotools' compressed mask: "size" (height, width) and "counts" (bytes)."""


def encode(segmentation: Any, height: int, width: int) -> RunLengths:
    """Turn one annotation's segmentation into a compressed mask.

    Args:
        segmentation: a list of polygons [x, y, x, y, ...] in pixels, or {"size", "counts"} with
            counts as a list of run lengths or as COCO's string
        height: height of the photo in pixels
        width: width of the photo in pixels

    Raises:
        ValueError: it has none of these forms, or does not match the photo
    """
    from pycocotools import mask

    if isinstance(segmentation, dict):
        return dict(mask.frPyObjects(_checked_runs(segmentation, height, width), height, width))
    if not isinstance(segmentation, list) or not segmentation:
        raise ValueError("neither polygons nor run lengths")
    for polygon in segmentation:
        _check_polygon(polygon, height, width)
    return union(mask.frPyObjects(segmentation, height, width))


def union(masks: list[RunLengths]) -> RunLengths:
    """Return the union of masks of one photo."""
    from pycocotools import mask

    return dict(mask.merge(masks))


def decode(run_lengths: RunLengths) -> Bool[np.ndarray, "height width"]:
    """Decode a mask made by `encode` or `union` into pixels.

    The decoder of pycocotools (2.0.11) is not used, because it gives warnings with numpy 2.
    """
    height, width = run_lengths["size"]
    runs = _unpack(run_lengths["counts"].decode("ascii"))
    inside = np.arange(len(runs)) % 2 == 1
    return np.repeat(inside, runs).reshape(width, height).T


def _check_polygon(polygon: Any, height: int, width: int) -> None:
    if not isinstance(polygon, list) or len(polygon) < 6 or len(polygon) % 2:
        raise ValueError("a polygon needs three points or more")
    if not all(isinstance(value, int | float) and math.isfinite(value) for value in polygon):
        raise ValueError("a polygon's coordinates must be finite numbers")
    # The time and memory of drawing grow with the polygon's size, not with the photo's.
    if not (-width <= min(polygon[::2]) and max(polygon[::2]) <= 2 * width):
        raise ValueError("a polygon lies outside its photo")
    if not (-height <= min(polygon[1::2]) and max(polygon[1::2]) <= 2 * height):
        raise ValueError("a polygon lies outside its photo")


def _checked_runs(segmentation: dict[str, Any], height: int, width: int) -> RunLengths:
    counts = segmentation.get("counts")
    runs = _unpack(counts) if isinstance(counts, str) else counts
    if list(segmentation.get("size") or ()) != [height, width]:
        raise ValueError(f"run lengths of size {segmentation.get('size')} for a photo of {[height, width]}")
    if not isinstance(runs, list) or not all(isinstance(run, int) and run >= 0 for run in runs):
        raise ValueError("run lengths must be whole numbers from 0")
    if sum(runs) != height * width:
        raise ValueError(f"run lengths add up to {sum(runs)}, not to the photo's {height * width} pixels")
    return {"size": [height, width], "counts": runs}


def _unpack(text: str) -> list[int]:
    """Read COCO's string of run lengths (rleToString in cocoapi common/maskApi.c).

    Each character holds 5 bits and a flag that says whether more follow. From the fourth run on, the
    difference from the run two before is stored.
    """
    runs: list[int] = []
    value = shift = 0
    for character in text:
        code = ord(character) - 48
        if not 0 <= code < 64:
            raise ValueError(f"character {character!r} in run lengths")
        value |= (code & 31) << shift
        shift += 5
        if code & 32:
            continue
        if code & 16:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    return runs
