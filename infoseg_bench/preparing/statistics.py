"""What is counted in the scored pixels of a data set: class balance and the constant prediction."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int64, UInt8

from infoseg_bench.preparing.centre_crop import centre_crop


class ClassBalance:
    """Counts the pixels of every class within centre crops, one label map at a time.

    Attributes:
        classes: names, in the order of the class index
        counts: pixels per class; void and padding are in none
    """

    def __init__(self, classes: tuple[str, ...], crop: int) -> None:
        """Start with nothing counted; `crop` is the side of the crops in pixels."""
        self.classes = classes
        self.counts: Int64[np.ndarray, " cls"] = np.zeros(len(classes), dtype=np.int64)
        self._crop = crop

    def add(self, labels: UInt8[np.ndarray, "height width"]) -> None:
        """Count the centre crop of a whole photo's class labels; values beyond the classes are void."""
        found = np.bincount(centre_crop(labels, self._crop).ravel(), minlength=256)
        self.counts += found[: len(self.classes)]

    @property
    def shares(self) -> np.ndarray:
        """Give each class's share of the pixels that are not void; zeros where nothing was counted."""
        return np.asarray(self.counts / max(int(self.counts.sum()), 1))

    @property
    def constant_accuracy(self) -> float:
        """Give the pixel accuracy, in [0, 1], of naming the most frequent class everywhere."""
        return float(self.shares.max())

    def summary(self) -> dict[str, str]:
        """Put both into lines for people, in per cent."""
        if not self.counts.any():
            return {"class balance": "unknown: no labelled pixel is evaluated"}
        shares = (f"{name} {share:.1%}" for name, share in zip(self.classes, self.shares, strict=True))
        return {
            "class balance": ", ".join(shares),
            "constant prediction": f"{self.constant_accuracy:.1%} pixel accuracy",
        }
