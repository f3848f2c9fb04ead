"""COCO-Stuff's photos with their label maps: the rule that selects them, and reading them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Bool, UInt8

from infoseg_bench.data.photo import Finding, StoredPhoto, label_counts
from infoseg_bench.data.view import UNLABELLED, VOID
from infoseg_bench.datasets.coco.files import CocoFiles
from infoseg_bench.datasets.coco.persons_options import CocoOptions
from infoseg_bench.errors import FileError, UserError, first_few
from infoseg_bench.images.label_images import open_labels
from infoseg_bench.images.photos import open_photo
from infoseg_bench.preparation.label_coding import MANY, looks_like_a_photo
from infoseg_bench.preparation.shorter_side import ShorterSideOptions
from infoseg_bench.utils.source_files import OfficialFile, OfficialFiles
from infoseg_bench.utils.text import plural

CODES = 182
"""Number of codes in the label maps: things 0-90, stuff 91-181 (STUFF README)."""

UNLABELLED_CODE = 255
"""Code of unlabelled pixels (nightrome/cocostuff#17)."""

FEW_RANGES = 4
"""Maximum number of code ranges for which comparisons are faster than a lookup table, as measured."""


@dataclass(frozen=True, kw_only=True)
class StuffPhoto:
    """One photo with its label map; `id` has twelve digits, as in COCO's file names."""

    id: str
    split: str
    photo: OfficialFile
    labels: OfficialFile

    @property
    def identity(self) -> str:
        """Return a text that changes with the id or the files."""
        return f"{self.photo.identity} {self.labels.identity}"


@dataclass(frozen=True, kw_only=True)
class StuffFiles:
    """All photos with label maps, ordered by id, and the files without a counterpart."""

    root: Path
    photos: list[StuffPhoto]
    without_labels: list[str]
    without_photo: list[str]
    others: list[str]

    @classmethod
    def find(cls, files: CocoFiles) -> StuffFiles:
        """Match photos and label maps by split and name.

        Raises:
            UserError: there are no photos, no label maps, or no photo has a label map
        """
        found = ((files.photos(), ".jpg"), (files.label_maps(), ".png"))
        photos, maps = (_by_id(splits, suffix) for splits, suffix in found)
        both = sorted(photos.keys() & maps.keys())
        if not both:
            raise UserError(
                f"{files.root}: none of {len(photos)} photos has one of the {len(maps)} label maps: "
                "get both of the same split"
            )
        return cls(
            root=files.root,
            photos=[StuffPhoto(id=key[0], split=key[1], photo=photos[key], labels=maps[key]) for key in both],
            without_labels=[files.place(photos[key]) for key in sorted(photos.keys() - maps.keys())],
            without_photo=[files.place(maps[key]) for key in sorted(maps.keys() - photos.keys())],
            others=[name for splits, suffix in found for name in _others(splits, suffix)],
        )

    def summary(self) -> str:
        """Return the number of photos, and of files without a counterpart with the first of them, as text."""
        lines = [f"{len(self.photos)} photos with label maps"]
        for places, lack in ((self.without_labels, "label map"), (self.without_photo, "photo")):
            if places:
                files = plural(len(places), "file")
                lines.append(f"{files} without {lack}, left out (the first: {places[0]})")
        if self.others:
            files = plural(len(self.others), "file")
            lines.append(f"{files} of other types, left out ({first_few(self.others)})")
        return "; ".join(lines)


@dataclass(frozen=True, kw_only=True)
class ListRule:
    """The rule behind the published lists (IIC util/coco164k_prepare.py:19-25, 84-99).

    Attributes:
        codes: a boolean for each code, True for the codes of the data set's classes
        min_side: smallest length of the shorter side of the original photo in pixels
        min_share: smallest share of these codes among all pixels, including unlabelled ones
    """

    codes: Bool[np.ndarray, " 256"]
    min_side: int
    min_share: float

    def accepts(self, labels: UInt8[np.ndarray, "height width"]) -> bool:
        """Return whether a photo with this label map, at its original size, belongs to the list."""
        if min(labels.shape) < self.min_side:
            return False
        return self._count(labels) >= self.min_share * labels.size

    def _count(self, labels: UInt8[np.ndarray, "height width"]) -> int:
        # Two vectorised operations per range of codes are faster than a lookup for every pixel.
        if len(self._ranges) <= FEW_RANGES:
            return sum(int(np.count_nonzero(labels - first < length)) for first, length in self._ranges)
        return int(np.count_nonzero(self.codes.take(labels)))

    @cached_property
    def _ranges(self) -> list[tuple[np.uint8, int]]:
        """First code and length of every range of True codes; differences of lower codes wrap around."""
        edges = np.flatnonzero(np.diff(self.codes, prepend=False, append=False)).reshape(-1, 2)
        return [(np.uint8(first), int(end - first)) for first, end in edges]


@dataclass(frozen=True, kw_only=True)
class StuffReader:
    """Reads photos as they are stored: with COCO-Stuff's codes, and UNLABELLED for unlabelled pixels.

    Attributes:
        options: scale and filter, and order of the channels
        rule: photos that it rejects are left out; None accepts all
    """

    options: CocoOptions | ShorterSideOptions
    rule: ListRule | None

    def read(self, item: StuffPhoto) -> StoredPhoto | None:
        """Read one photo and its label map.

        Raises:
            FileError: a file cannot be decoded, sizes differ, or a code does not exist in COCO-Stuff
        """
        labels = open_labels(item.labels)
        codes = labels.codes
        if self.rule is not None and not self.rule.accepts(codes):
            return None
        photo = open_photo(item.photo, upright=False)
        image, counts = photo.pixels, label_counts(codes)
        if image.shape[:2] != codes.shape:
            sizes = (
                f"{codes.shape[1]}x{codes.shape[0]} pixels, but its photo has "
                f"{image.shape[1]}x{image.shape[0]} ({item.photo})"
            )
            kind = "label map of another size than its photo"
            raise FileError(item.labels, kind, "fetch both again", sizes, sizes)
        if len(counts) > MANY:
            raise looks_like_a_photo(item.labels, len(counts), "fetch stuffthingmaps_trainval2017.zip")
        stored = stored_codes(codes, item.labels)
        return StoredPhoto(
            id=item.id,
            image=self.options.scaled_photo(image, item.photo),
            labels=self.options.scaled_labels(stored, item.labels),
            finding=Finding(
                photo=item.photo.name,
                deep=photo.deep,
                labels=item.labels.name,
                counts=label_counts(stored),
                palette=None if labels.palette is None else tuple(labels.palette.items()),
            ),
        )


def stored_codes(
    codes: UInt8[np.ndarray, "height width"], place: object
) -> UInt8[np.ndarray, "height width"]:
    """Return the stored values of COCO-Stuff's codes.

    Raises:
        FileError: a code above 181 that is not 255; `place` is the file with the codes
    """
    strange = (codes >= CODES) & (codes != UNLABELLED_CODE)
    if strange.any():
        kind = "a label value that is none of COCO-Stuff's, 0 to 181, and 255 for unlabelled"
        alone = f"label value {codes[strange][0]}: COCO-Stuff's maps have 0 to 181, and 255 for unlabelled"
        remedy = "fetch stuffthingmaps_trainval2017.zip"
        raise FileError(place, kind, remedy, str(codes[strange][0]), alone)
    # The only code above UNLABELLED is that of unlabelled pixels.
    return np.asarray(np.minimum(codes, np.uint8(UNLABELLED)))


def label_tables(
    classes: UInt8[np.ndarray, " 256"], *, unlabelled_as: int | None
) -> dict[str, UInt8[np.ndarray, " 256"]]:
    """Return the tables of a view from stored codes to class indices.

    Args:
        classes: class index or VOID of each of COCO-Stuff's codes
        unlabelled_as: class that the released code assigns to unlabelled pixels; None: void as well
    """
    corrected = np.where(classes < UNLABELLED, classes, np.uint8(VOID))
    corrected[[UNLABELLED, VOID]] = VOID
    published = corrected.copy()
    if unlabelled_as is not None:
        published[UNLABELLED] = unlabelled_as
    return {"corrected": corrected, "published": published}


def _others(splits: dict[str, OfficialFiles], suffix: str) -> list[str]:
    names = (name for files in splits.values() for name in files.names)
    return sorted(name for name in names if not _official(name, suffix))


def _by_id(splits: dict[str, OfficialFiles], suffix: str) -> dict[tuple[str, str], OfficialFile]:
    return {
        (Path(name).stem, split): files.file(name)
        for split, files in splits.items()
        for name in files.names
        if _official(name, suffix)
    }


def _official(name: str, suffix: str) -> bool:
    """Return whether a file is named by a number, as COCO's are; tools add copies and previews."""
    stem = Path(name).stem
    return name.endswith(suffix) and stem.isascii() and stem.isdigit()
