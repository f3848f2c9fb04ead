"""A view: one data set in a store, with its classes, photo indices and label tables."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Int64, UInt8

VOID = 255
"""Label of pixels that belong to none of the classes; they are never scored."""
SHOWN_UNSCORED = 100
"""Number of photos of a data set without labels whose segments a run keeps; chosen by this project."""
UNLABELLED = 254
"""Stored label of pixels without annotation; a view maps it to a class or to VOID."""


@dataclass(frozen=True, kw_only=True)
class View:
    """One data set, made of the photos of a store.

    Attributes:
        name: name of the data set, such as "coco-stuff-3"
        title: name shown to users
        classes: class names, in the order of the class index
        palette: one colour (red, green, blue) from 0 to 255 per class
        tables: for each protocol, a table of 256 entries from stored label to class index or VOID
        train: indices of the photos to train on
        evaluation: indices of the photos to score, all of them labelled; empty if there are no labels
        crop: side of the square crops in pixels
        note: what to know when reading scores on these data, shown on every leaderboard
        label_use: "selection" if labels were used to select the training photos
    """

    name: str
    title: str
    classes: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...]
    tables: dict[str, UInt8[np.ndarray, " 256"]] = field(repr=False)
    train: Int64[np.ndarray, " photo"] = field(repr=False)
    evaluation: Int64[np.ndarray, " evaluated"] = field(repr=False)
    crop: int
    note: str = ""
    label_use: str = ""

    @property
    def is_scored(self) -> bool:
        """Whether any photo can be scored; otherwise the classes only say how many clusters to find."""
        return len(self.evaluation) > 0

    @property
    def shown(self) -> Int64[np.ndarray, " shown"]:
        """Indices of the photos whose segments a run keeps: the scored photos.

        Without labels, at most `SHOWN_UNSCORED` evenly spaced training photos.
        """
        if self.is_scored:
            return self.evaluation
        count = min(SHOWN_UNSCORED, len(self.train))
        return self.train[np.linspace(0, len(self.train) - 1, count).round().astype(np.int64)]


def cluster_names(clusters: int) -> tuple[str, ...]:
    """Return names for clusters without classes: "cluster 0", "cluster 1" and so on."""
    return tuple(f"cluster {index}" for index in range(clusters))


def label_table(classes: int, codes: dict[int, int] | None = None) -> UInt8[np.ndarray, " 256"]:
    """Make the table from stored label to class index; all other labels become VOID.

    Args:
        classes: number of classes
        codes: class index by stored label; None: stored labels are class indices

    Raises:
        ValueError: a class index outside [0, classes)
    """
    table = np.full(256, VOID, dtype=np.uint8)
    for code, index in (codes if codes is not None else {i: i for i in range(classes)}).items():
        if not 0 <= index < classes:
            raise ValueError(f"code {code} maps to class {index}, but there are {classes} classes")
        table[code] = index
    return table
