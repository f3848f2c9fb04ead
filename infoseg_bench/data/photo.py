"""One photo as it is stored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8


@dataclass(frozen=True, kw_only=True)
class StoredPhoto:
    """One photo as a store keeps it.

    Attributes:
        id: name of the photo, unique in the store
        image: the whole, scaled photo
        labels: stored labels of the same size, including VOID and UNLABELLED; None if there are none
    """

    id: str
    image: UInt8[np.ndarray, "height width channel"]
    labels: UInt8[np.ndarray, "height width"] | None = None

    def __post_init__(self) -> None:
        if self.labels is not None and self.labels.shape != self.image.shape[:2]:
            raise ValueError(f"{self.id}: labels {self.labels.shape} for a photo of {self.image.shape[:2]}")
