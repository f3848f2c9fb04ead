"""Superpixels by SLIC (Achanta et al., PAMI 2012), as scikit-image computes them."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from jaxtyping import Int16, UInt8

from infoseg_bench.contracts.parameters import parameter
from infoseg_bench.contracts.photo_map import PhotoMap

REFERENCE_AREA = 128 * 128
"""Pixels that `segments` counts on: a crop of COCO."""


class Superpixels(PhotoMap):
    """Connected regions of similar colour; how many follows from the photo's size."""

    name: ClassVar[str] = "superpixels"
    libraries: ClassVar[tuple[str, ...]] = ("scikit-image",)

    segments: int = parameter(
        200, "superpixels per 128x128 pixels, about", source="chosen by this project", gt=0
    )
    compactness: float = parameter(
        10.0, "weight of closeness against likeness of colour", source="default of scikit-image", gt=0
    )

    def compute(self, image: UInt8[np.ndarray, "height width channel"]) -> Int16[np.ndarray, "height width"]:
        """Run SLIC in Lab on red, green and blue, or on whatever fewer bands there are."""
        from skimage.segmentation import slic

        colour = image.shape[2] >= 3
        segments = slic(
            image[..., :3] if colour else image,
            n_segments=max(1, round(self.segments * image.shape[0] * image.shape[1] / REFERENCE_AREA)),
            compactness=self.compactness,
            convert2lab=colour,
            start_label=0,
        )
        if segments.max() > np.iinfo(np.int16).max:
            raise ValueError(f"segments={self.segments} gives {segments.max() + 1} superpixels: choose fewer")
        return np.asarray(segments, dtype=np.int16)
