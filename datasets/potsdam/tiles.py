"""The official tiles of ISPRS's 2D Potsdam data: their names, labels and availability."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from infoseg_bench.contracts.recipe import SourceFile
from infoseg_bench.errors import UserError
from infoseg_bench.preparation.archive import Archive
from infoseg_bench.utils.source_files import FolderFiles, OfficialFile, OfficialFiles

REQUEST = "https://www.isprs.org/resources/datasets/benchmarks/UrbanSemLab/2d-sem-label-potsdam.aspx"
"""Page on which ISPRS explains how to request the data."""

IMAGES = SourceFile(name="4_Ortho_RGBIR.zip", address=REQUEST, unpacked="4_Ortho_RGBIR", by_hand=True)
LABELS = SourceFile(
    name="5_Labels_for_participants.zip", address=REQUEST, unpacked="5_Labels_for_participants", by_hand=True
)

LABEL_FOLDERS = (LABELS.unpacked, "5_Labels_all")
"""Folders of label tiles; 5_Labels_all, which ISPRS published later, also contains the same 24 tiles."""

LABELLED = (
    *("2_10", "2_11", "2_12", "3_10", "3_11", "3_12", "4_10", "4_11", "4_12", "5_10", "5_11", "5_12"),
    *("6_7", "6_8", "6_9", "6_10", "6_11", "6_12", "7_7", "7_8", "7_9", "7_10", "7_11", "7_12"),
)
"""Tiles of the labels for participants (torchgeo datasets/potsdam.py)."""

OTHERS = (
    *("2_13", "2_14", "3_13", "3_14", "4_13", "4_14", "4_15", "5_13", "5_14", "5_15"),
    *("6_13", "6_14", "6_15", "7_13"),
)
"""Tiles whose labels ISPRS released later; these are not used (IIC util/potsdam_prepare.py:14-25)."""


@dataclass(frozen=True, kw_only=True)
class Tiles:
    """The tiles in a folder, unpacked or in ISPRS's zip files; `labels` is None if there are none."""

    root: Path
    images: OfficialFiles
    labels: OfficialFiles | None

    @classmethod
    def find(cls, root: Path) -> Tiles:
        """Find the tiles below a folder.

        Raises:
            UserError: there is no image tile
        """
        images = _files(root, [IMAGES.unpacked], "_RGBIR.tif")
        if images is None or not images.names & {_image(name) for name in (*LABELLED, *OTHERS)}:
            raise UserError(
                f"{root}: no top_potsdam_*_RGBIR.tif: request {IMAGES.name} and {LABELS.name} at {REQUEST}, "
                f"and put them, zipped or unpacked, into {root}"
            )
        return cls(root=root, images=images, labels=_files(root, LABEL_FOLDERS, "_label.tif"))

    @property
    def names(self) -> list[str]:
        """Names of the available tiles, in the order of ISPRS's numbers."""
        there = [name for name in (*LABELLED, *OTHERS) if _image(name) in self.images.names]
        return sorted(there, key=lambda name: [int(part) for part in name.split("_")])

    def label(self, name: str) -> OfficialFile | None:
        """Return the labels of a tile, or None if it is not one of the 24 or they are missing."""
        if name not in LABELLED or self.labels is None or _label(name) not in self.labels.names:
            return None
        return self.labels.file(_label(name))

    def image(self, name: str) -> OfficialFile:
        """Return the image file of a tile."""
        return self.images.file(_image(name))

    def identity(self, name: str) -> list[str]:
        """Return texts that change with a tile's name or files."""
        label = self.label(name)
        return [name, self.image(name).identity, "" if label is None else label.identity]

    @property
    def missing(self) -> list[str]:
        """Names of the official files that are missing."""
        labels = frozenset() if self.labels is None else self.labels.names
        images = [_image(name) for name in (*LABELLED, *OTHERS)]
        return [
            *(name for name in images if name not in self.images.names),
            *(_label(name) for name in LABELLED if _label(name) not in labels),
        ]

    def warnings(self) -> list[str]:
        """Return a warning if no tile has labels, so that nothing can be scored."""
        if self.label_tiles:
            return []
        places = " or ".join(LABEL_FOLDERS)
        return [f"no label tiles in {places} below {self.root}: nothing can be scored"]

    @property
    def label_tiles(self) -> int:
        """Number of the 24 label tiles that are available."""
        return sum(self.label(name) is not None for name in LABELLED)


def _files(root: Path, names: Sequence[str], ending: str) -> OfficialFiles | None:
    """Return files with this ending in a folder or archive of a given name, up to one level deeper."""
    for name in names:
        places = (root / name, root / name / name, root)
        for folder in (place for place in places if place.is_dir()):
            files = FolderFiles(folder)
            if any(file.endswith(ending) for file in files.names):
                return files
        archives = sorted(root.glob(f"{name}.zip")) + sorted(root.glob(f"*/{name}.zip"))
        if archives:
            return Archive(archives[0]).everywhere()
    return None


def _image(name: str) -> str:
    return f"top_potsdam_{name}_RGBIR.tif"


def _label(name: str) -> str:
    return f"top_potsdam_{name}_label.tif"
