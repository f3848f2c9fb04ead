"""What COCO's instance annotations say: the photos that they list, and where persons are in them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import UInt8

from infoseg_bench.data.view import VOID
from infoseg_bench.datasets.coco.masks import RunLengths, decode


@dataclass(frozen=True, kw_only=True)
class CocoPhoto:
    """One photo as the annotations list it; height and width in pixels."""

    id: int
    split: str
    file_name: str
    height: int
    width: int
    licence: str
    licence_url: str


@dataclass(kw_only=True)
class PersonAnnotations:
    """What the annotations say of persons.

    Attributes:
        photos: by id, in the order of the ids
        persons: photo id to the joint mask of all single persons
        crowds: photo id to the joint mask of all crowds of persons
        splits: those that were found
    """

    photos: dict[int, CocoPhoto] = field(default_factory=dict)
    persons: dict[int, RunLengths] = field(default_factory=dict)
    crowds: dict[int, RunLengths] = field(default_factory=dict)
    splits: tuple[str, ...] = ()

    def labels(self, photo: CocoPhoto, *, crowds_are_persons: bool) -> UInt8[np.ndarray, "height width"]:
        """Draw a photo's labels: 0 background, 1 person, and crowds as either person or VOID."""
        labels = np.zeros((photo.height, photo.width), dtype=np.uint8)
        if photo.id in self.crowds:
            labels[decode(self.crowds[photo.id])] = 1 if crowds_are_persons else VOID
        if photo.id in self.persons:
            labels[decode(self.persons[photo.id])] = 1
        return labels

    def masks(self, photo: CocoPhoto) -> str:
        """Name the size and the masks of a photo."""
        return f"{photo.height} {photo.width} {self.persons.get(photo.id)} {self.crowds.get(photo.id)}"

    @property
    def with_persons(self) -> list[CocoPhoto]:
        """Return the photos that show a person or a crowd, in the order of the ids."""
        shown = self.persons.keys() | self.crowds.keys()
        return [photo for photo in self.photos.values() if photo.id in shown]
