"""Reads photos with their label maps, and scales them."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from infoseg_bench.data.photo import StoredPhoto
from infoseg_bench.errors import FileError
from infoseg_bench.images.photos import image_file, open_photo
from infoseg_bench.images.resize import scale_bilinear, scale_nearest
from infoseg_bench.preparation.label_coding import LabelCoding
from infoseg_bench.preparation.label_survey import finding_of
from infoseg_bench.utils.source_files import file_identity


@dataclass(frozen=True, kw_only=True)
class LabelledPhotos:
    """Photos and their label maps on disk.

    Attributes:
        photos: photos by id
        labels: label maps by the id of their photo
        coding: meaning of the values in label maps
        scale: factor by which photos and label maps are scaled
        upright: whether photos are rotated as their EXIF orientation says
        crop: side of the crops in pixels
    """

    photos: Mapping[str, Path]
    labels: Mapping[str, Path]
    coding: LabelCoding
    scale: float
    upright: bool
    crop: int

    def identity(self, name: str) -> str:
        """Return a text that changes with the files of a photo, without reading them.

        Raises:
            FileError: a file is gone
        """
        files = [file for file in (self.photos[name], self.labels.get(name)) if file is not None]
        return repr([name, *((str(file), file_identity(file)) for file in files)])

    def pixels(self, name: str) -> float:
        """Return the number of pixels of a photo after scaling, from its header; 1 if it cannot be read."""
        with contextlib.suppress(FileError), image_file(self.photos[name], "photo") as image:
            return max(1.0, image.width * image.height * self.scale**2)
        return 1.0

    def read(self, name: str) -> StoredPhoto:
        """Read one photo and its label map.

        Raises:
            FileError: a file cannot be decoded, the photo is too small to scale, or the label map has another
                size or an unknown value
        """
        path, labels = self.photos[name], self.labels.get(name)
        photo = open_photo(path, upright=self.upright)
        image = scale_photo(photo.pixels, self.scale, path)
        small = min(image.shape[:2]) < self.crop
        coded = None if labels is None else self.coding.read(labels, upright=self.upright)
        stored = None
        if labels is not None and coded is not None:
            exif = ("stored" if self.upright else "apply") if photo.turned else ""
            _check_sizes(labels, coded.stored.shape, path, photo.pixels.shape[:2], exif)
            stored = scale_nearest(coded.stored, self.scale)
        finding = finding_of(path, photo, labels, coded, small=small)
        return StoredPhoto(id=name, image=image, labels=stored, finding=finding)


def scale_photo(
    image: UInt8[np.ndarray, "height width 3"], scale: float, path: Path
) -> UInt8[np.ndarray, "scaled_height scaled_width 3"]:
    """Return a scaled photo.

    Raises:
        FileError: a side would be shorter than one pixel; `path` is the file of the photo
    """
    try:
        return scale_bilinear(image, scale)
    except ValueError as error:
        raise FileError(
            path, "too small to be scaled", "use a larger --scale or remove the photo", str(error)
        ) from None


def _check_sizes(
    labels: Path, found: tuple[int, ...], photo: Path, expected: tuple[int, ...], exif: str
) -> None:
    """Refuse a label map of another size; `exif` is the other way to treat an orientation of the photo."""
    if found == expected:
        return
    hint = "scale it to the size of the photo, with nearest neighbours"
    if found == expected[::-1]:
        hint = "rotate the label map as the photo is, which has no EXIF orientation"
        if exif:
            how = "rotated by" if exif == "stored" else "without"
            hint = f"draw the labels on the photo {how} its EXIF orientation, or use --exif {exif}"
    sizes = f"{found[1]}x{found[0]} pixels for a photo of {expected[1]}x{expected[0]} ({photo.name})"
    raise FileError(labels, "label map of another size than its photo", hint, sizes, sizes)
