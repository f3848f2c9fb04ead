"""One photo as it is stored, and what was noticed in its files."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

Colour = tuple[int, int, int]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What was noticed in the files of a photo; the survey of a data set counts it, no store keeps it.

    Attributes:
        photo: name of the photo's file
        turned: whether its EXIF orientation is not upright
        deep: whether it has 16 bits per channel
        several: whether its file holds further images
        small: whether a side is shorter than the crop
        labels: name of the label map's file; empty if there is none
        counts: pairs of a stored label and the number of its pixels, over the whole label map
        void: pairs of a value in the file that is void and the number of its pixels
        strange: number of pixels without a class
        palette: pairs of an index that occurs and its colour; None: the label map has no palette
    """

    photo: str
    turned: bool = False
    deep: bool = False
    several: bool = False
    small: bool = False
    labels: str = ""
    counts: tuple[tuple[int, int], ...] = ()
    void: tuple[tuple[str, int], ...] = ()
    strange: int = 0
    palette: tuple[tuple[int, Colour], ...] | None = None


def label_counts(labels: UInt8[np.ndarray, "*shape"]) -> tuple[tuple[int, int], ...]:
    """Return pairs of a stored label that occurs and the number of its pixels."""
    counts = np.bincount(labels.ravel(), minlength=256)
    return tuple((int(label), int(counts[label])) for label in np.flatnonzero(counts))


@dataclass(frozen=True, kw_only=True)
class StoredPhoto:
    """One photo as a store keeps it.

    Attributes:
        id: name of the photo, unique in the store
        image: the whole, scaled photo
        labels: stored labels of the same size, including VOID and UNLABELLED; None if there are none
        finding: what was noticed in its files, if it comes from files
    """

    id: str
    image: UInt8[np.ndarray, "height width channel"]
    labels: UInt8[np.ndarray, "height width"] | None = None
    finding: Finding | None = None

    def __post_init__(self) -> None:
        if self.labels is not None and self.labels.shape != self.image.shape[:2]:
            raise ValueError(f"{self.id}: labels {self.labels.shape} for a photo of {self.image.shape[:2]}")
