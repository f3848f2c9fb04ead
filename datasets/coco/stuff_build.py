"""Writing the listed photos of COCO-Stuff into a store, and descriptions of lists of ids."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass

from infoseg_bench.data.photo import StoredPhoto
from infoseg_bench.datasets.coco.stuff import StuffPhoto, StuffReader
from infoseg_bench.errors import first_few
from infoseg_bench.preparation.build_cache import BuildCache, ReadPhoto
from infoseg_bench.preparation.building import attempt, read_in_parts
from infoseg_bench.preparation.statistics import ids_sha256
from infoseg_bench.preparation.store_build import StoreBuild
from infoseg_bench.utils.progress import ProgressFactory


@dataclass(frozen=True, kw_only=True)
class StuffBuild:
    """Reads photos and writes the listed ones into a store.

    Attributes:
        photos: photos to select from, ordered by id
        reader: reads a photo; it has the list's rule, or no rule if `listed` is given
        listed: ids of the photos to write, regardless of the rule; None: those that the rule accepts
        progress: shows the progress
    """

    photos: Sequence[StuffPhoto]
    reader: StuffReader
    listed: frozenset[str] | None
    progress: ProgressFactory

    def write(self, build: StoreBuild, *, trained: bool = True, scored: bool = True) -> None:
        """Write the photos into the store, for training if `trained`, and for scoring if `scored`."""
        with closing(self._stored(build.cache)) as groups:
            for group in groups:
                build.write(group, trained=trained, scored=scored)

    def _stored(self, cache: BuildCache) -> Generator[Sequence[ReadPhoto], None, None]:
        listed, everything = self.listed, StuffReader(options=self.reader.options, rule=None)

        def as_listed(items: Sequence[StuffPhoto], found: Sequence[ReadPhoto]) -> Sequence[ReadPhoto]:
            if listed is None:
                return found
            there = {photo.id: photo for photo in found if isinstance(photo, StoredPhoto)}
            wanted = (item for item in items if item.id in listed)
            read = (there.get(item.id) or attempt(everything.read, item) for item in wanted)
            return [photo for photo in read if photo is not None]

        return read_in_parts(
            self.photos,
            self.reader.read,
            identity=lambda item: item.identity,
            cache=cache,
            photo_pixels=self.reader.options.photo_pixels,
            progress=self.progress,
            amend=as_listed,
        )


def by_split(photos: Sequence[StuffPhoto], ids: Sequence[str]) -> dict[str, list[str]]:
    """Group ids by the split of their photos."""
    wanted = set(ids)
    splits: dict[str, list[str]] = {photo.split: [] for photo in photos}
    for photo in photos:
        if photo.id in wanted:
            splits[photo.split].append(photo.id)
    return splits


def list_summary(splits: dict[str, list[str]]) -> dict[str, str]:
    """Return the count and hash of every split's ids, as lines for the user."""
    return {
        f"ids of {split}": f"{len(ids)}, SHA-256 {ids_sha256(ids)}" for split, ids in sorted(splits.items())
    }


def difference(derived: Sequence[str], published: frozenset[str]) -> str:
    """Return the number of ids in which two lists differ, and the first of them, as text."""
    more, less = sorted(set(derived) - published), sorted(published - set(derived))
    parts = [_first(more, "in the derived one only"), _first(less, "in the published one only")]
    return "; ".join(part for part in parts if part)


def _first(ids: Sequence[str], where: str) -> str:
    return f"{len(ids)} {where} ({first_few(ids, 5)})" if ids else ""
