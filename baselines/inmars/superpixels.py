"""Superpixels by SLIC (Achanta et al., PAMI 2012), as scikit-image computes them."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from jaxtyping import Int16, UInt8

from infoseg_bench.contracts.parameters import parameter
from infoseg_bench.contracts.photo_map import PhotoMap

REFERENCE_AREA = 128 * 128
"""Area in pixels to which `segments` refers: a crop of COCO."""


class Superpixels(PhotoMap):
    """Connected regions of similar colour; their number is proportional to the photo's area."""

    name: ClassVar[str] = "superpixels"
    libraries: ClassVar[tuple[str, ...]] = ("scikit-image",)

    segments: int = parameter(
        200, "approximate number of superpixels per 128x128 pixels", source="chosen by this project", gt=0
    )
    compactness: float = parameter(
        10.0,
        "compactness: weight of spatial distance relative to colour distance",
        source="default of scikit-image",
        gt=0,
    )

    def compute(self, image: UInt8[np.ndarray, "height width channel"]) -> Int16[np.ndarray, "height width"]:
        """Run SLIC on red, green and blue in Lab colour space, or on the raw channels if there are fewer.

        Returns:
            superpixel of each pixel, numbered from 0

        Raises:
            ValueError: more superpixels than int16 can number
        """
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
