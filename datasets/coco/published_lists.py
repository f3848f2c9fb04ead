"""The published image lists of COCO-Stuff (15) and COCO-Stuff-3, identified by count and hash."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from infoseg_bench.errors import UserError
from infoseg_bench.preparation.http_download import transfer
from infoseg_bench.preparation.statistics import ids_sha256
from infoseg_bench.utils.progress import ProgressFactory
from infoseg_bench.utils.text import read_text

ADDRESS = (
    "https://raw.githubusercontent.com/janghyuncho/PiCIE/fc4e7c193c2ba77a6dbf9f24e5e7cf99da9f528a/"
    "curated/{split}/{name}.txt"
)
"""Address of IIC's curated lists."""


@dataclass(frozen=True, kw_only=True)
class PublishedList:
    """One list of image ids.

    Attributes:
        name: name of its file
        counts: number of ids by split
        sha256: hash of the sorted ids, one per line, by split
    """

    name: str
    counts: Mapping[str, int]
    sha256: Mapping[str, str]

    @property
    def total(self) -> int:
        """Number of ids in all splits."""
        return sum(self.counts.values())

    def of(self, split: str) -> PublishedList:
        """Return the list of one split."""
        return replace(self, counts={split: self.counts[split]}, sha256={split: self.sha256[split]})

    def is_made_of(self, split: str, ids: Collection[str]) -> bool:
        """Return whether these are the ids of a split in this list."""
        return len(ids) == self.counts[split] and ids_sha256(ids) == self.sha256[split]

    def fetch(self, folder: Path, progress: ProgressFactory) -> dict[str, frozenset[str]]:
        """Return the ids by split; the list is downloaded into `folder` if it is missing.

        Raises:
            UserError: the list cannot be downloaded, or has other ids than the published ones
        """
        return {split: self._fetch_split(split, folder, progress) for split in self.counts}

    def _fetch_split(self, split: str, folder: Path, progress: ProgressFactory) -> frozenset[str]:
        path = folder / f"{self.name}.{split}.txt"
        address = ADDRESS.format(split=split, name=self.name)
        if path.is_file() and self.is_made_of(split, there := read_ids(path)):
            return there
        partial = path.with_suffix(".partial")
        folder.mkdir(parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)
        transfer(address, partial, size=None, progress=progress)
        ids = read_ids(partial)
        if not self.is_made_of(split, ids):
            partial.unlink()
            raise UserError(
                f"{address}: not the published list ({len(ids)} ids): try again, or use --list FILE"
            )
        partial.replace(path)
        return ids


def read_ids(path: Path) -> frozenset[str]:
    """Read image ids, one per line, with or without leading zeros.

    Raises:
        UserError: the file is missing or empty, or a line is not an id
    """
    lines = read_text(path, "list of image ids").split()
    strange = next((line for line in lines if not (line.isascii() and line.isdecimal())), None)
    if strange is not None or not lines:
        raise UserError(
            f"{path}: not a list of image ids, one per line ({strange or 'empty'}): check the file"
        )
    return frozenset(line.zfill(12) for line in lines)
