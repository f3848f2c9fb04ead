"""Options of every COCO recipe, and reading and scaling photos according to them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from infoseg_bench.contracts.parameters import Parameters, parameter
from infoseg_bench.errors import FileError
from infoseg_bench.images.resize import scale_bilinear, scale_nearest, scaled_side
from infoseg_bench.preparation.preparation import skip_broken_option

LARGEST_PHOTO = 640 * 640
"""Number of pixels of COCO's largest photos."""


class CocoOptions(Parameters):
    """Options of every recipe that reads COCO.

    The EXIF orientation of photos is ignored, since COCO's labels refer to photos as they are stored;
    greyscale and CMYK photos become RGB.
    """

    source: Path | None = parameter(
        None,
        "folder with COCO's official archives, packed or unpacked; without it, the archives are downloaded",
        source="chosen by this project",
    )
    scale: float = parameter(
        0.33, "scale of photos and labels", source="IIC examples/commands.txt:74", gt=0, le=4
    )
    filter: Literal["opencv", "antialiased"] = parameter(
        "opencv",
        "opencv: bilinear over four neighbours, as published; antialiased: bilinear over all covered pixels",
        source="IIC cocostuff.py:113-120",
    )
    channels: Literal["rgb", "bgr"] = parameter(
        "rgb",
        "order of the colour channels; the released code reads bgr",
        source="chosen by this project; bgr: IIC cocostuff.py:518-521",
    )
    crop: int = parameter(128, "side of the centre crop in pixels", source="PAPER 5.3", ge=8)

    skip_broken: bool = skip_broken_option()

    def scaled_photo(
        self, image: UInt8[np.ndarray, "height width 3"], place: object
    ) -> UInt8[np.ndarray, "scaled_height scaled_width 3"]:
        """Scale a photo and put its colour channels in order.

        Raises:
            FileError: a side would be shorter than one pixel; `place` is the file
        """
        ordered = image if self.channels == "rgb" else image[..., ::-1]
        try:
            if self.filter == "opencv":
                return scale_bilinear(ordered, self.scale)
            height, width = (scaled_side(side, self.scale) for side in image.shape[:2])
        except ValueError as error:
            raise FileError(place, "nothing is left of it", "use a larger --scale", str(error)) from None
        resized = Image.fromarray(ordered).resize((width, height), Image.Resampling.BILINEAR)
        return np.asarray(resized)

    def scaled_labels(
        self, labels: UInt8[np.ndarray, "height width"], place: object
    ) -> UInt8[np.ndarray, "scaled_height scaled_width"]:
        """Scale a label map by nearest neighbours.

        Raises:
            FileError: a side would be shorter than one pixel; `place` is the file
        """
        try:
            return scale_nearest(labels, self.scale)
        except ValueError as error:
            raise FileError(place, "nothing is left of it", "use a larger --scale", str(error)) from None

    @property
    def photo_pixels(self) -> float:
        """Largest number of pixels of a scaled photo."""
        return LARGEST_PHOTO * self.scale**2

    @property
    def pixel_note(self) -> str:
        """A note for leaderboards on options that change the pixels; empty for the default options."""
        notes = [
            "antialiased" if self.filter == "antialiased" else "",
            "bgr" if self.channels == "bgr" else "",
        ]
        return "; ".join(note for note in notes if note)
