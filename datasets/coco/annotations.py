"""The content of COCO's instance annotations: the photos they list, and where persons are in them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import UInt8

from infoseg_bench.data.view import VOID
from infoseg_bench.datasets.coco.masks import RunLengths, decode
from infoseg_bench.errors import FileError


@dataclass(frozen=True, kw_only=True)
class CocoPhoto:
    """One photo listed in the annotations; height and width in pixels."""

    id: int
    split: str
    file_name: str
    height: int
    width: int
    licence: str
    licence_url: str


@dataclass(kw_only=True)
class PersonAnnotations:
    """Persons in COCO's photos, according to the annotations.

    Attributes:
        photos: photos by id, in ascending order
        persons: for each photo id, the union of the masks of all single persons
        crowds: for each photo id, the union of the masks of all crowds of persons
        splits: names of the splits that were found
        faults: entries that are not as COCO's
        broken: ids of the photos that such an entry is of
    """

    photos: dict[int, CocoPhoto] = field(default_factory=dict)
    persons: dict[int, RunLengths] = field(default_factory=dict)
    crowds: dict[int, RunLengths] = field(default_factory=dict)
    splits: tuple[str, ...] = ()
    faults: list[FileError] = field(default_factory=list)
    broken: set[int] = field(default_factory=set)

    def labels(self, photo: CocoPhoto, *, crowds_are_persons: bool) -> UInt8[np.ndarray, "height width"]:
        """Draw the labels of a photo: 0 background, 1 person, and crowds either as person or as VOID."""
        labels = np.zeros((photo.height, photo.width), dtype=np.uint8)
        if photo.id in self.crowds:
            labels[decode(self.crowds[photo.id])] = 1 if crowds_are_persons else VOID
        if photo.id in self.persons:
            labels[decode(self.persons[photo.id])] = 1
        return labels

    def masks(self, photo: CocoPhoto) -> str:
        """Return a text that changes with the size or the masks of a photo."""
        return f"{photo.height} {photo.width} {self.persons.get(photo.id)} {self.crowds.get(photo.id)}"

    @property
    def with_persons(self) -> list[CocoPhoto]:
        """The photos that show a person or a crowd and whose entries are valid, in ascending order of ids."""
        shown = (self.persons.keys() | self.crowds.keys()) - self.broken
        return [photo for photo in self.photos.values() if photo.id in shown]
