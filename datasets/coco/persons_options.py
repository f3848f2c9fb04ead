"""What every COCO recipe can be told, and the pixels that follow from it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from infoseg_bench.contracts.parameters import Parameters, parameter
from infoseg_bench.errors import UserError
from infoseg_bench.images.photos import read_photo
from infoseg_bench.images.resize import scale_bilinear, scale_nearest, scaled_side
from infoseg_bench.utils.source_files import OfficialFile

LARGEST_PHOTO = 640 * 640
"""Pixels of COCO's largest photos."""


class CocoOptions(Parameters):
    """Options of every recipe that reads COCO.

    Photos keep their stored frame whatever their EXIF orientation, since COCO's labels are given in
    it; greyscale and CMYK photos become RGB.
    """

    source: Path | None = parameter(
        None,
        "folder with COCO's official archives or what was unpacked from them; without it, the archives are "
        "downloaded",
        source="chosen by this project",
    )
    scale: float = parameter(
        0.33, "scale of photos and labels", source="IIC examples/commands.txt:74", gt=0, le=4
    )
    filter: Literal["opencv", "antialiased"] = parameter(
        "opencv",
        "opencv: bilinear over four neighbours, as published; antialiased: bilinear over all that is covered",
        source="IIC cocostuff.py:113-120",
    )
    channels: Literal["rgb", "bgr"] = parameter(
        "rgb",
        "order of the colours; the released code reads bgr",
        source="chosen by this project; bgr: IIC cocostuff.py:518-521",
    )
    crop: int = parameter(128, "side of the centre crop in pixels", source="PAPER 5.3", ge=8)

    def read_photo(self, file: OfficialFile) -> UInt8[np.ndarray, "height width 3"]:
        """Read a photo at its full size, in the stored frame, as red, green and blue.

        Raises:
            UserError: missing, damaged, or no photo
        """
        return read_photo(file, upright=False)

    def scaled_photo(
        self, image: UInt8[np.ndarray, "height width 3"], place: object
    ) -> UInt8[np.ndarray, "scaled_height scaled_width 3"]:
        """Scale a photo and order its colours.

        Raises:
            UserError: nothing would be left of it; `place` is the file it came from
        """
        ordered = image if self.channels == "rgb" else image[..., ::-1]
        try:
            if self.filter == "opencv":
                return scale_bilinear(ordered, self.scale)
            height, width = (scaled_side(side, self.scale) for side in image.shape[:2])
        except ValueError as error:
            raise UserError(f"{place}: {error}: use a larger --scale") from None
        resized = Image.fromarray(ordered).resize((width, height), Image.Resampling.BILINEAR)
        return np.asarray(resized)

    def scaled_labels(
        self, labels: UInt8[np.ndarray, "height width"], place: object
    ) -> UInt8[np.ndarray, "scaled_height scaled_width"]:
        """Scale a label map, by the nearest neighbour.

        Raises:
            UserError: nothing would be left of it; `place` is the file it came from
        """
        try:
            return scale_nearest(labels, self.scale)
        except ValueError as error:
            raise UserError(f"{place}: {error}: use a larger --scale") from None

    @property
    def photo_pixels(self) -> float:
        """Pixels of a scaled photo, at most."""
        return LARGEST_PHOTO * self.scale**2

    @property
    def pixel_note(self) -> str:
        """Return where pixels differ from the default, for every board; empty where they do not."""
        said = [
            "antialiased" if self.filter == "antialiased" else "",
            "bgr" if self.channels == "bgr" else "",
        ]
        return "; ".join(word for word in said if word)
