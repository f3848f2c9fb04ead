"""Scaling as in PiCIE and STEGO: the shorter side gets a fixed length, and the centre crop is scored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeVar

import numpy as np
from jaxtyping import Int64, UInt8
from PIL import Image
from pydantic import model_validator

from infoseg_bench.contracts.parameters import Parameters, parameter
from infoseg_bench.data.centre_crop import crop_corner
from infoseg_bench.errors import UsageError
from infoseg_bench.preparation.preparation import skip_broken_option

Pixels = TypeVar("Pixels", bound=np.ndarray)

LONGEST = 2
"""Aspect ratio for which memory is planned: that of Cityscapes, 2 to 1."""


class ShorterSideOptions(Parameters):
    """Options of recipes that scale the shorter side, as PiCIE and STEGO do with torchvision."""

    size: int = parameter(
        320,
        "length of the shorter side in pixels after scaling",
        source="PiCIE sh_files/train_picie.sh:27; STEGO src/configs/eval_config.yml:4",
        ge=8,
    )
    crop: int = parameter(
        320,
        "side of the centre crop in pixels",
        source="PiCIE data/coco_eval_dataset.py:78-84; STEGO src/utils.py:167",
        ge=8,
    )
    filter: Literal["bilinear", "nearest"] = parameter(
        "bilinear",
        "how photos are scaled: bilinear over all covered pixels, as in PiCIE's code, or nearest neighbours, "
        "as in STEGO's; labels are scaled by nearest neighbours in both",
        source="PiCIE data/coco_eval_dataset.py:75-76; nearest: STEGO src/utils.py:176-183",
    )

    skip_broken: bool = skip_broken_option()

    @model_validator(mode="after")
    def _crop_fits(self) -> ShorterSideOptions:
        if self.crop > self.size:
            raise UsageError(f"--crop {self.crop}: longer than the shorter side, --size {self.size}")
        return self

    def scaled_photo(
        self, image: UInt8[np.ndarray, "height width 3"], place: object = ""
    ) -> UInt8[np.ndarray, "scaled_height scaled_width 3"]:
        """Return a photo scaled with `filter`; `place` is not used, because every photo can be scaled."""
        return self._scaled(image, Image.Resampling[self.filter.upper()])

    def scaled_labels(
        self, labels: UInt8[np.ndarray, "height width"], place: object = ""
    ) -> UInt8[np.ndarray, "scaled_height scaled_width"]:
        """Return a label map scaled by nearest neighbours."""
        return self._scaled(labels, Image.Resampling.NEAREST)

    @classmethod
    def of_store(cls, options: Mapping[str, object]) -> ShorterSideOptions | None:
        """Return the scaling of a store from its recipe's options; None if its recipe scales differently."""
        names = ShorterSideOptions.model_fields.keys()
        return (
            ShorterSideOptions(**{name: options[name] for name in names}) if names <= options.keys() else None
        )

    def scaled_clusters(
        self, clusters: Int64[np.ndarray, "height width"]
    ) -> Int64[np.ndarray, "scaled_height scaled_width"]:
        """Return a cluster map of a whole photo, scaled as label maps are; its numbers may be of any size."""
        # Pillow has no images of 64 bits, but it can resize a map of the pixels' positions.
        positions = np.arange(clusters.size, dtype=np.int32).reshape(clusters.shape)
        return np.asarray(clusters.ravel()[self._scaled(positions, Image.Resampling.NEAREST)])

    def stored_size(self, height: int, width: int) -> tuple[int, int]:
        """Return height and width of a photo in the store."""
        rows, columns = (
            len(range(side)[_centred(side, self.crop)]) for side in shorter_side(height, width, self.size)
        )
        return rows, columns

    @property
    def photo_pixels(self) -> float:
        """Number of pixels that most scaled photos do not exceed."""
        return float(LONGEST * self.size**2)

    @property
    def pixel_note(self) -> str:
        """Note for leaderboards on options that change the pixels; empty for the defaults."""
        default = type(self).model_fields["filter"].default
        return "" if self.filter == default else f"photos scaled by the filter {self.filter}"

    def _scaled(self, pixels: Pixels, resampling: Image.Resampling) -> Pixels:
        height, width = shorter_side(pixels.shape[0], pixels.shape[1], self.size)
        scaled = np.asarray(Image.fromarray(pixels).resize((width, height), resampling))
        rows, columns = (_centred(side, self.crop) for side in scaled.shape[:2])
        return scaled[rows, columns]  # type: ignore[return-value]


def shorter_side(height: int, width: int, size: int) -> tuple[int, int]:
    """Return height and width after scaling the shorter side to `size`; the other one is rounded down.

    This is the rule of torchvision's `Resize`; OpenCV rounds to the nearest pixel.
    """
    if width < height:
        return int(size * height / width), size
    return size, int(size * width / height)


def _centred(side: int, crop: int) -> slice:
    """Return the part of a side to keep, so that a store's centre crop starts where torchvision's does.

    Torchvision rounds half of the excess over the crop to the nearest even number, and a store rounds it
    down. If these differ, it is by one pixel, and one row or column is dropped.
    """
    ours, theirs = crop_corner(side, side, crop)[0], round((side - crop) / 2)
    return slice(max(theirs - ours, 0), side + min(theirs - ours, 0))
