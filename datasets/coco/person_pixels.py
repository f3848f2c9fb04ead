"""The share of person pixels in the centre crop of COCO photos, by which photos are selected."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain

import numpy as np
from jaxtyping import UInt8

from infoseg_bench.data.centre_crop import centre_crop
from infoseg_bench.data.photo import Finding, StoredPhoto, label_counts
from infoseg_bench.datasets.coco.annotations import CocoPhoto, PersonAnnotations
from infoseg_bench.datasets.coco.files import CocoFiles
from infoseg_bench.datasets.coco.manifest import ManifestRow
from infoseg_bench.datasets.coco.persons_options import CocoOptions
from infoseg_bench.errors import FileError, UserError
from infoseg_bench.images.photos import open_photo
from infoseg_bench.preparation.build_cache import BuildCache
from infoseg_bench.preparation.building import in_blocks
from infoseg_bench.utils.progress import ProgressFactory
from infoseg_bench.utils.source_files import OfficialFiles

PHOTOS_COUNTED = 200
"""Photos whose person pixels are counted and cached at a time; chosen by this project: about a second of work
for one core."""


@dataclass(frozen=True, kw_only=True)
class PersonPixels:
    """Scaled photos of COCO with labels for persons.

    Attributes:
        files: photos by split
        annotations: annotations of the photos
        options: scale, filter, channel order and crop
        crowds: whether crowds of persons are persons; otherwise they are void
    """

    files: dict[str, OfficialFiles]
    annotations: PersonAnnotations
    options: CocoOptions
    crowds: bool

    def labels(self, photo: CocoPhoto) -> UInt8[np.ndarray, "height width"]:
        """Return the scaled labels of a whole photo: 0 background, 1 person, VOID.

        Raises:
            UserError: no pixel is left after scaling
        """
        full = self.annotations.labels(photo, crowds_are_persons=self.crowds)
        return self.options.scaled_labels(full, f"photo {photo.id}")

    def count(self, photo: CocoPhoto) -> int:
        """Count the person pixels in the centre crop, from the annotations alone."""
        return int(np.count_nonzero(centre_crop(self.labels(photo), self.options.crop) == 1))

    def count_all(
        self, photos: list[CocoPhoto], cache: BuildCache, progress: ProgressFactory
    ) -> dict[int, int]:
        """Return the number of person pixels of many photos, by id; counts are saved in `cache`."""

        def count_some(some: Sequence[CocoPhoto]) -> list[int]:
            return cache.numbers(
                [f"{photo.id} {self.annotations.masks(photo)}" for photo in some],
                lambda: [self.count(photo) for photo in some],
            )

        counts = in_blocks(photos, count_some, size=PHOTOS_COUNTED, progress=progress, title="person shares")
        with closing(counts):
            found = chain.from_iterable(counts)
            return {photo.id: count for photo, count in zip(photos, found, strict=True)}

    def manifest_row(self, photo: CocoPhoto, pixels: int) -> ManifestRow:
        """Return the manifest row of a photo that has `pixels` person pixels in its crop."""
        scale, crop = self.options.scale, self.options.crop
        return ManifestRow.of(photo, scale=scale, crop=crop, crowds=self.crowds, pixels=pixels)

    def identity(self, photo: CocoPhoto) -> str:
        """Return a text that changes with a photo's masks, size or file."""
        return f"{self.files[photo.split].file(photo.file_name).identity} {self.annotations.masks(photo)}"

    def read(self, photo: CocoPhoto) -> StoredPhoto:
        """Read a photo without applying its EXIF orientation, with its labels, both scaled.

        Raises:
            FileError: the photo is missing, cannot be decoded, or has another size than its annotations say
        """
        file = self.files[photo.split].file(photo.file_name)
        read = open_photo(file, upright=False)
        image, labels = read.pixels, self.labels(photo)
        if image.shape[:2] != (photo.height, photo.width):
            sizes = (
                f"{image.shape[1]}x{image.shape[0]} pixels, but the annotations say "
                f"{photo.width}x{photo.height}"
            )
            raise FileError(file, "of another size than annotated", "fetch the original photo", sizes, sizes)
        return StoredPhoto(
            id=f"{photo.id:012d}",
            image=self.options.scaled_photo(image, file),
            labels=labels,
            finding=Finding(photo=file.name, deep=read.deep, labels=file.name, counts=label_counts(labels)),
        )


def photos_there(
    source: CocoFiles, files: dict[str, OfficialFiles], annotations: PersonAnnotations
) -> set[int]:
    """Return the ids of the listed photos whose files are available.

    Raises:
        UserError: none of them is
    """
    found = {
        photo.id
        for photo in annotations.photos.values()
        if photo.split in files and photo.file_name in files[photo.split].names
    }
    if not found:
        raise UserError(
            f"{source.root}: none of the {len(annotations.photos)} annotated photos was found: put them into "
            "{train2017,val2017}/ or {train2017,val2017}.zip"
        )
    return found


def largest_shares(pixels: dict[int, int], *, photos: int, most: float) -> list[int]:
    """Select the `photos` ids with the most person pixels among those with at most `most`, ties by id."""
    allowed = [photo for photo, count in pixels.items() if count <= most]
    return sorted(sorted(allowed, key=lambda photo: (-pixels[photo], photo))[:photos])


def shares_between(pixels: dict[int, int], *, least: float, most: float) -> list[int]:
    """Select the ids with at least `least` and at most `most` person pixels, in the order of the ids."""
    return sorted(photo for photo, count in pixels.items() if least <= count <= most)
