"""Photos as today's benchmarks score them: the shorter side scaled to one length, then the centre crop."""

from __future__ import annotations

from typing import Literal, TypeVar

import numpy as np
from jaxtyping import UInt8
from PIL import Image
from pydantic import model_validator

from infoseg_bench.contracts.parameters import Parameters, parameter
from infoseg_bench.data.centre_crop import crop_corner
from infoseg_bench.errors import UsageError

Pixels = TypeVar("Pixels", bound=np.ndarray)

LONGEST = 2
"""Longer side over shorter one up to which memory is planned for: that of Cityscapes."""


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

    @model_validator(mode="after")
    def _crop_fits(self) -> ShorterSideOptions:
        if self.crop > self.size:
            raise UsageError(f"--crop {self.crop}: longer than the shorter side, --size {self.size}")
        return self

    def scaled_photo(
        self, image: UInt8[np.ndarray, "height width 3"], place: object = ""
    ) -> UInt8[np.ndarray, "scaled_height scaled_width 3"]:
        """Scale a photo; `place`, the file it came from, is not needed, since every photo can be scaled."""
        return self._scaled(image, Image.Resampling[self.filter.upper()])

    def scaled_labels(
        self, labels: UInt8[np.ndarray, "height width"], place: object = ""
    ) -> UInt8[np.ndarray, "scaled_height scaled_width"]:
        """Scale a label map by nearest neighbours."""
        return self._scaled(labels, Image.Resampling.NEAREST)

    @property
    def photo_pixels(self) -> float:
        """Largest number of pixels of most scaled photos."""
        return float(LONGEST * self.size**2)

    @property
    def pixel_note(self) -> str:
        """Return which options change the pixels from the default, for every leaderboard; may be empty."""
        default = type(self).model_fields["filter"].default
        return "" if self.filter == default else f"photos scaled by the filter {self.filter}"

    def _scaled(self, pixels: Pixels, resampling: Image.Resampling) -> Pixels:
        height, width = shorter_side(pixels.shape[0], pixels.shape[1], self.size)
        scaled = np.asarray(Image.fromarray(pixels).resize((width, height), resampling))
        rows, columns = (_centred(side, self.crop) for side in scaled.shape[:2])
        return scaled[rows, columns]  # type: ignore[return-value]


def shorter_side(height: int, width: int, size: int) -> tuple[int, int]:
    """Return height and width with the shorter one scaled to `size`; the other one is cut to a whole pixel.

    This is the rule of torchvision's `Resize`, and not that of OpenCV, which rounds.
    """
    if width < height:
        return int(size * height / width), size
    return size, int(size * width / height)


def _centred(side: int, crop: int) -> slice:
    """Return what to keep of a side, so that a store's centre crop starts where torchvision's does.

    Torchvision rounds half of what lies outside of the crop to the nearest even number, a store rounds it
    down. Where the two differ, which is by one pixel, one row or column is left out.
    """
    ours, theirs = crop_corner(side, side, crop)[0], round((side - crop) / 2)
    return slice(max(theirs - ours, 0), side + min(theirs - ours, 0))
