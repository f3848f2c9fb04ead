"""A folder of photos with the label maps of the same names, read and scaled together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from infoseg_bench.errors import UserError
from infoseg_bench.images.photo_files import PHOTO_SUFFIXES, list_files, list_photos
from infoseg_bench.images.photos import read_labels, read_photo
from infoseg_bench.images.resize import scale_bilinear, scale_nearest
from infoseg_bench.preparation.label_coding import LabelCoding


@dataclass(frozen=True, kw_only=True)
class LabelledPhotos:
    """Photos and their label maps on disk.

    Attributes:
        paths: of the photos, sorted by stem
        labels: stem to label map, for those that have one
        coding: of the label maps
        scale: of photos and label maps
    """

    paths: list[Path]
    labels: dict[str, Path]
    coding: LabelCoding
    scale: float

    def read(
        self, photo: Path
    ) -> tuple[UInt8[np.ndarray, "height width 3"], UInt8[np.ndarray, "height width"] | None]:
        """Read one photo, and its stored labels if it has any; both scaled.

        Raises:
            UserError: undecodable, too small to scale, a label map of another size, or a strange code
        """
        image = read_photo(photo, upright=True)
        scaled = scale_photo(image, self.scale, photo)
        path = self.labels.get(photo.stem)
        if path is None:
            return scaled, None
        labels = read_labels(path)
        _check_sizes(path, labels.shape, photo, image.shape[:2])
        return scaled, scale_nearest(self.coding.apply(labels, path), self.scale)


def match_labels(images: Path, labels: Path | None, *, coding: LabelCoding, scale: float) -> LabelledPhotos:
    """Find the photos and the label maps that go with them by stem.

    Raises:
        UserError: an unreadable or empty folder, a label map that is no PNG, or one without photo
    """
    paths = list_photos(images)
    stems = {path.stem for path in paths}
    found = {} if labels is None else _label_maps(labels)
    alone = sorted(found.keys() - stems)
    if alone:
        others = f" (nor for {len(alone) - 1} others)" if len(alone) > 1 else ""
        raise UserError(
            f"{found[alone[0]]}: no photo {alone[0]!r} in {images} for this label map{others}: "
            "add the photo or remove the label map"
        )
    return LabelledPhotos(paths=paths, labels=found, coding=coding, scale=scale)


def scale_photo(
    image: UInt8[np.ndarray, "height width 3"], scale: float, path: Path
) -> UInt8[np.ndarray, "scaled_height scaled_width 3"]:
    """Scale a photo.

    Raises:
        UserError: nothing would be left of it; `path` is the file it came from
    """
    try:
        return scale_bilinear(image, scale)
    except ValueError as error:
        raise UserError(f"{path}: {error}: use a larger --scale or remove the photo") from None


def _label_maps(folder: Path) -> dict[str, Path]:
    images = [path for path in list_files(folder) if path.suffix.lower() in PHOTO_SUFFIXES]
    other = next((path for path in images if path.suffix.lower() != ".png"), None)
    if other is not None:
        raise UserError(
            f"{other}: label maps must be PNGs, which keep every value: convert it from its source"
        )
    if not images:
        raise UserError(f"{folder}: no label PNGs here: check the path, or leave --labels out")
    return {path.stem: path for path in images}


def _check_sizes(labels: Path, found: tuple[int, ...], photo: Path, expected: tuple[int, ...]) -> None:
    if found == expected:
        return
    hint = "scale it as the photo, with nearest neighbours"
    if found == expected[::-1]:
        hint = "draw the labels on the upright photo (EXIF)"
    raise UserError(
        f"{labels}: {found[1]}x{found[0]} pixels for a photo of {expected[1]}x{expected[0]} ({photo.name}): "
        f"{hint}"
    )
