"""A view: one data set as read from a store, with its classes, index sets and label tables."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Int64, UInt8

VOID = 255
"""Label of pixels that have a label, but none of the classes; they are never scored."""
SHOWN_UNSCORED = 100
"""Photos of a data set without labels whose segments every run keeps; chosen by this project."""
UNLABELLED = 254
"""Label in the store of pixels that nobody has labelled; a view maps it to a class or to VOID."""


@dataclass(frozen=True, kw_only=True)
class View:
    """One data set on a store's photos.

    Attributes:
        name: the data set's name, such as "coco-stuff-3"
        title: the same for people
        classes: names, in the order of the class index
        palette: one (red, green, blue) of 0 to 255 per class
        tables: protocol name to a table of 256 entries from stored label to class index or VOID
        train: indices of the photos to train on
        evaluation: indices of the photos to score, all of them labelled; empty where there are no labels
        crop: side in pixels of the square crops
        note: what a reader of any score must know, shown on every board
        label_use: what labels have decided about the training photos: "selection" where they chose them
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
        """Return whether any photo can be scored; without, the classes only say how many clusters to find."""
        return len(self.evaluation) > 0

    @property
    def shown(self) -> Int64[np.ndarray, " shown"]:
        """Return the photos whose segments a run keeps: the scored ones, else some of the training photos.

        The latter are at most `SHOWN_UNSCORED`, evenly spaced.
        """
        if self.is_scored:
            return self.evaluation
        count = min(SHOWN_UNSCORED, len(self.train))
        return self.train[np.linspace(0, len(self.train) - 1, count).round().astype(np.int64)]


def cluster_names(clusters: int) -> tuple[str, ...]:
    """Return the names of clusters that stand for no class: "cluster 0", "cluster 1" and so on."""
    return tuple(f"cluster {index}" for index in range(clusters))


def label_table(classes: int, codes: dict[int, int] | None = None) -> UInt8[np.ndarray, " 256"]:
    """Make the table from stored label to class index; what is not named becomes VOID.

    Args:
        classes: number of classes
        codes: stored label to class index; without it, stored labels are class indices

    Raises:
        ValueError: a class index outside [0, classes)
    """
    table = np.full(256, VOID, dtype=np.uint8)
    for code, index in (codes if codes is not None else {i: i for i in range(classes)}).items():
        if not 0 <= index < classes:
            raise ValueError(f"code {code} maps to class {index}, but there are {classes} classes")
        table[code] = index
    return table
