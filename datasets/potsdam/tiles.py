"""The official tiles of ISPRS's 2D Potsdam data: their names, labels and availability."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from infoseg_bench.contracts.recipe import SourceFile
from infoseg_bench.errors import UserError, first_few
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
    """The tiles in a folder, unpacked or in ISPRS's zip files.

    Attributes:
        root: the folder
        images: image files by tile name, in the order of ISPRS's numbers
        labels: label files of the 24 labelled tiles, by tile name
        left_out: names of the other files beside them
    """

    root: Path
    images: Mapping[str, OfficialFile]
    labels: Mapping[str, OfficialFile]
    left_out: Sequence[str]

    @classmethod
    def find(cls, root: Path) -> Tiles:
        """Find the tiles below a folder.

        Raises:
            UserError: there is no image tile
        """
        images, other_images = _tiles(root, [IMAGES.unpacked], "RGBIR", (*LABELLED, *OTHERS))
        labels, other_labels = _tiles(root, LABEL_FOLDERS, "label", LABELLED)
        if not images:
            packed = any(root.glob("*.zip"))
            first = f"unpack the archive that holds {IMAGES.name}, or " if packed else ""
            raise UserError(
                f"{root}: no top_potsdam_*_RGBIR.tif here{_instead(root)}: {first}request {IMAGES.name} and "
                f"{LABELS.name} at {REQUEST} and put them, zipped or unpacked, into {root}"
            )
        of_tiles = {file.name for file in (*images.values(), *labels.values())}
        left_out = [name for name in dict.fromkeys([*other_images, *other_labels]) if name not in of_tiles]
        return cls(root=root, images=images, labels=labels, left_out=left_out)

    @property
    def names(self) -> list[str]:
        """Names of the available tiles, in the order of ISPRS's numbers."""
        return list(self.images)

    def identity(self, name: str) -> list[str]:
        """Return texts that change with a tile's name or files."""
        label = self.labels.get(name)
        return [name, self.images[name].identity, "" if label is None else label.identity]

    @property
    def missing(self) -> list[str]:
        """Names of the official files that are missing."""
        images = [f"top_potsdam_{name}_RGBIR.tif" for name in (*LABELLED, *OTHERS) if name not in self.images]
        return [*images, *(f"top_potsdam_{name}_label.tif" for name in LABELLED if name not in self.labels)]

    def warnings(self) -> list[str]:
        """Return a warning if no tile has labels, so that nothing can be scored."""
        if self.labels:
            return []
        places = " or ".join(LABEL_FOLDERS)
        return [f"no label tiles in {places} below {self.root}{_instead(self.root)}: nothing can be scored"]


def _tiles(
    root: Path, folders: Sequence[str], ending: str, wanted: Collection[str]
) -> tuple[dict[str, OfficialFile], list[str]]:
    """Return the files of the wanted tiles, and the names of the other files beside them.

    Names may differ from ISPRS's as those of its height models do, such as top_potsdam_02_10_RGBIR.TIFF.
    """
    pattern = re.compile(rf"top_potsdam_0?(\d+)_0?(\d+)_{ending}\.tiff?", re.IGNORECASE)
    files = _files(root, folders, pattern)
    if files is None:
        return {}, []
    named = {name: pattern.fullmatch(name) for name in sorted(files.names)}
    found = {f"{match[1]}_{match[2]}": name for name, match in named.items() if match}
    tiles = sorted(found.keys() & set(wanted), key=lambda tile: [int(part) for part in tile.split("_")])
    return {tile: files.file(found[tile]) for tile in tiles}, [name for name in named if not named[name]]


def _files(root: Path, names: Sequence[str], pattern: re.Pattern[str]) -> OfficialFiles | None:
    """Return files of this pattern in a folder or archive of a given name, up to one level deeper."""
    for name in names:
        places = (root / name, root / name / name, root)
        for folder in (place for place in places if place.is_dir()):
            files = FolderFiles(folder)
            if any(pattern.fullmatch(file) for file in files.names):
                return files
        archives = sorted(root.glob(f"{name}.zip")) + sorted(root.glob(f"*/{name}.zip"))
        if archives:
            return Archive(archives[0]).everywhere()
    return None


def _instead(root: Path) -> str:
    here = sorted(path.name for path in root.iterdir() if path.name[0] != ".") if root.is_dir() else []
    return f", only {first_few(here, 5)}" if here else ""
