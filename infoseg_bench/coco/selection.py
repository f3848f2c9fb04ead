"""Which COCO photos show persons well: by the share of person pixels in the centre crop."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from infoseg_bench.coco.annotations import CocoPhoto, PersonAnnotations
from infoseg_bench.coco.manifest import ManifestRow
from infoseg_bench.coco.reading import LAYOUT
from infoseg_bench.errors import UserError
from infoseg_bench.imageops.photos import read_photo
from infoseg_bench.imageops.resize import scale_bilinear, scale_nearest
from infoseg_bench.preparing.centre_crop import centre_crop
from infoseg_bench.preparing.parallel import ordered_map
from infoseg_bench.progress import ProgressFactory


@dataclass(frozen=True, kw_only=True)
class PersonPixels:
    """Photos and label maps of COCO at one scale, and what counts as person.

    Attributes:
        source: the folder that holds the photos
        annotations: of the photos
        scale: of photos (bilinear) and label maps (nearest)
        crop: side of the centre crop in pixels
        crowds: whether crowds of persons are persons; otherwise they are void
    """

    source: Path
    annotations: PersonAnnotations
    scale: float
    crop: int
    crowds: bool

    def labels(self, photo: CocoPhoto) -> UInt8[np.ndarray, "height width"]:
        """Give the scaled labels of a whole photo: 0 background, 1 person, VOID.

        Raises:
            UserError: scaled down to nothing
        """
        full = self.annotations.labels(photo, crowds_are_persons=self.crowds)
        try:
            return scale_nearest(full, self.scale)
        except ValueError as error:
            raise UserError(f"photo {photo.id}: {error}: use a larger --scale") from None

    def count(self, photo: CocoPhoto) -> int:
        """Count the person pixels in the centre crop, from the annotations alone."""
        return int(np.count_nonzero(centre_crop(self.labels(photo), self.crop) == 1))

    def count_all(self, photos: list[CocoPhoto], progress: ProgressFactory) -> dict[int, int]:
        """Count the person pixels of many photos, by id."""
        with closing(ordered_map(self.count, photos, progress, "person shares")) as counts:
            return {photo.id: count for photo, count in zip(photos, counts, strict=True)}

    def manifest_row(self, photo: CocoPhoto, pixels: int) -> ManifestRow:
        """Give the manifest's row of a photo with so many person pixels in its crop."""
        return ManifestRow.of(photo, scale=self.scale, crop=self.crop, crowds=self.crowds, pixels=pixels)

    def read(
        self, photo: CocoPhoto
    ) -> tuple[UInt8[np.ndarray, "height width 3"], UInt8[np.ndarray, "height width"]]:
        """Read a photo in its stored frame, with its labels, both scaled.

        Raises:
            UserError: missing, undecodable, or of another size than its annotations say
        """
        path = self.source / photo.split / photo.file_name
        image = read_photo(path, upright=False)
        if image.shape[:2] != (photo.height, photo.width):
            raise UserError(
                f"{path}: {image.shape[1]}x{image.shape[0]} pixels, but the annotations say "
                f"{photo.width}x{photo.height}: fetch the original photo"
            )
        return scale_bilinear(image, self.scale), self.labels(photo)


def photos_on_disk(source: Path, annotations: PersonAnnotations) -> set[int]:
    """Give the ids of the listed photos whose files are there.

    Raises:
        UserError: not one of them is
    """
    names = {split: _names(source / split) for split in annotations.splits}
    found = {photo.id for photo in annotations.photos.values() if photo.file_name in names[photo.split]}
    if not found:
        raise UserError(f"{source}: none of the {len(annotations.photos)} annotated photos is here: {LAYOUT}")
    return found


def largest_shares(pixels: dict[int, int], *, photos: int, most: float) -> list[int]:
    """Select the `photos` ids with the most person pixels among those with at most `most`, ties by id."""
    allowed = [photo for photo, count in pixels.items() if count <= most]
    return sorted(sorted(allowed, key=lambda photo: (-pixels[photo], photo))[:photos])


def shares_between(pixels: dict[int, int], *, least: float, most: float) -> list[int]:
    """Select the ids with at least `least` and at most `most` person pixels, in the order of the ids."""
    return sorted(photo for photo, count in pixels.items() if least <= count <= most)


def _names(folder: Path) -> set[str]:
    try:
        return {path.name for path in folder.iterdir()}
    except FileNotFoundError:
        return set()
    except OSError as error:
        raise UserError(f"{folder}: cannot be read ({error.strerror}): check its permissions") from error
