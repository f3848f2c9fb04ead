"""Photos with their label maps, read and scaled together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from infoseg_bench.errors import FileError
from infoseg_bench.images.photos import read_labels, read_photo
from infoseg_bench.images.resize import scale_bilinear, scale_nearest
from infoseg_bench.preparation.label_coding import LabelCoding


@dataclass(frozen=True, kw_only=True)
class LabelledPhotos:
    """Photos and their label maps on disk.

    Attributes:
        photos: by id
        labels: by the id of their photo
        coding: of the label maps
        scale: of photos and label maps
    """

    photos: Mapping[str, Path]
    labels: Mapping[str, Path]
    coding: LabelCoding
    scale: float

    def read(
        self, name: str
    ) -> tuple[UInt8[np.ndarray, "height width 3"], UInt8[np.ndarray, "height width"] | None]:
        """Read one photo, and its stored labels if it has any; both scaled.

        Raises:
            FileError: undecodable, too small to scale, a label map of another size, or a strange code
        """
        photo = self.photos[name]
        image = read_photo(photo, upright=True)
        scaled = scale_photo(image, self.scale, photo)
        path = self.labels.get(name)
        if path is None:
            return scaled, None
        labels = read_labels(path)
        _check_sizes(path, labels.shape, photo, image.shape[:2])
        return scaled, scale_nearest(self.coding.apply(labels, path), self.scale)


def scale_photo(
    image: UInt8[np.ndarray, "height width 3"], scale: float, path: Path
) -> UInt8[np.ndarray, "scaled_height scaled_width 3"]:
    """Scale a photo.

    Raises:
        FileError: nothing would be left of it; `path` is the file it came from
    """
    try:
        return scale_bilinear(image, scale)
    except ValueError as error:
        raise FileError(
            path, "nothing is left of it", "use a larger --scale or remove the photo", str(error)
        ) from None


def _check_sizes(labels: Path, found: tuple[int, ...], photo: Path, expected: tuple[int, ...]) -> None:
    if found == expected:
        return
    hint = "scale it as the photo, with nearest neighbours"
    if found == expected[::-1]:
        hint = "draw the labels on the upright photo (EXIF)"
    sizes = f"{found[1]}x{found[0]} pixels for a photo of {expected[1]}x{expected[0]} ({photo.name})"
    raise FileError(labels, "label map of another size than its photo", hint, sizes, sizes)
