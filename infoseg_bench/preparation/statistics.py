"""Class balance and constant prediction of the scored pixels of a data set."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
from jaxtyping import Int64, UInt8

from infoseg_bench.data.centre_crop import centre_crop
from infoseg_bench.errors import first_few


class ClassBalance:
    """Counts the pixels of every class within centre crops, one label map at a time.

    Attributes:
        classes: class names, in the order of the class index
    """

    def __init__(
        self, classes: tuple[str, ...], crop: int, table: UInt8[np.ndarray, " 256"] | None = None
    ) -> None:
        """Create an empty count.

        Args:
            classes: class names, in the order of the class index
            crop: side of the crops in pixels
            table: class index by stored label; None: stored labels are class indices
        """
        self.classes = classes
        self._table = np.arange(256, dtype=np.uint8) if table is None else table
        self._stored: Int64[np.ndarray, " 256"] = np.zeros(256, dtype=np.int64)
        self._crop = crop

    def through(self, classes: tuple[str, ...], table: UInt8[np.ndarray, " 256"]) -> ClassBalance:
        """Return the balance of the same pixels with other classes or another table."""
        other = ClassBalance(classes, self._crop, table)
        other._stored = self._stored
        return other

    def add(self, labels: UInt8[np.ndarray, "height width"] | None) -> None:
        """Count the stored labels in the centre crop of a whole photo, if it has labels."""
        if labels is None:
            return
        self._stored += np.bincount(centre_crop(labels, self._crop).ravel(), minlength=256)

    @property
    def stored(self) -> Int64[np.ndarray, " 256"]:
        """Return the pixels per stored label."""
        return self._stored

    @property
    def counts(self) -> Int64[np.ndarray, " cls"]:
        """Return the pixels per class; void pixels and padding are not counted."""
        return self.of_classes(self._stored)

    def of_classes(self, stored: Int64[np.ndarray, " 256"]) -> Int64[np.ndarray, " cls"]:
        """Return pixels per class from pixels per stored label; those that are void are not counted."""
        counts = np.zeros(256, dtype=np.int64)
        np.add.at(counts, self._table, stored)
        return counts[: len(self.classes)]

    @property
    def shares(self) -> np.ndarray:
        """Return each class's share of the pixels that are not void; zeros if nothing was counted."""
        return np.asarray(self.counts / max(int(self.counts.sum()), 1))

    @property
    def constant_accuracy(self) -> float:
        """Return the pixel accuracy, in [0, 1], of predicting the most frequent class everywhere."""
        return float(self.shares.max())

    @property
    def absent(self) -> list[str]:
        """Return the classes without pixels."""
        return [name for name, count in zip(self.classes, self.counts, strict=True) if not count]

    def warnings(self, why: str = "") -> list[str]:
        """Return warnings about classes without pixels, if other classes have some; adds the clause `why`."""
        absent = self.absent
        if not absent or len(absent) == len(self.classes):
            return []
        names = first_few([repr(name) for name in absent], 5)
        (only, *others) = [name for name in self.classes if name not in absent]
        alone = "" if others else f", only of {only!r}, which a constant prediction scores at 100 %"
        return [f"no pixel of {names} in the scored crops{alone}{why}: scores of such classes are undefined"]

    def summary(self) -> dict[str, str]:
        """Return pixels per class, class balance and constant prediction as lines for the user."""
        if not self.counts.any():
            return {"class balance": "unknown: no labelled pixel is evaluated"}
        shares = (f"{name} {share:.1%}" for name, share in zip(self.classes, self.shares, strict=True))
        pixels = (f"{name} {count}" for name, count in zip(self.classes, self.counts, strict=True))
        other = self._stored.sum() - self.counts.sum()
        return {
            "pixels per class": f"{', '.join(pixels)}; not scored {other}",
            "class balance": ", ".join(shares),
            "constant prediction": f"{self.constant_accuracy:.1%} pixel accuracy",
        }


def ids_sha256(ids: Iterable[str]) -> str:
    """Return the SHA-256 of the sorted ids, one per line, as 64 hexadecimal digits."""
    return hashlib.sha256("".join(f"{name}\n" for name in sorted(ids)).encode()).hexdigest()
