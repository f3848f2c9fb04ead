"""Potsdam's blocks in the files that STEGO distributes, cut by IIC's script: MATLAB files and name lists."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from infoseg_bench.data.photo import StoredPhoto
from infoseg_bench.data.view import VOID
from infoseg_bench.errors import FileError, UserError, first_few
from infoseg_bench.preparation.archive import Archive
from infoseg_bench.utils.source_files import FolderFiles, OfficialFiles
from infoseg_bench.utils.text import decode_text

COUNTS = {"labelled_train": 4_545, "labelled_test": 855}
"""Number of names in each list (IIC util/potsdam_prepare.py:22-25, 84-98)."""

ARCHIVE = "potsdam.zip"
"""The archive of these files (STEGO src/download_datasets.py:12-16)."""

REMEDY = f"get {ARCHIVE} again"


@dataclass(frozen=True)
class MatBlocks:
    """Images and label maps by name, a random number (IIC util/potsdam_prepare.py:43)."""

    lists: OfficialFiles
    images: OfficialFiles
    labels: OfficialFiles

    @classmethod
    def find(cls, root: Path) -> MatBlocks | None:
        """Return STEGO's files in a folder, or in its `potsdam` or `potsdam.zip`; None if there are none."""
        for folder in (root, root / "potsdam"):
            if (folder / "labelled_test.txt").is_file() and (folder / "imgs").is_dir():
                places = (FolderFiles(folder / name) for name in ("", "imgs", "gt"))
                return cls(*places)
        if (root / ARCHIVE).is_file():
            archive = Archive(root / ARCHIVE)
            return cls(archive.everywhere(), archive.folder("imgs"), archive.folder("gt"))
        return None

    def names(self, split: str) -> list[str]:
        """Return the names on a list, in its order: by tile, row and column.

        Raises:
            UserError: the list is missing, its number of names differs from the published one, or a block has
                no file
        """
        file = self.lists.file(f"{split}.txt")
        names = decode_text(file.read(), file, "list of blocks").split()
        if not len(set(names)) == len(names) == COUNTS[split]:
            raise UserError(
                f"{file}: {len(set(names))} blocks, not the {COUNTS[split]} of IIC's split: get it again"
            )
        missing = [name for name in names if not {f"{name}.mat"} <= self.images.names & self.labels.names]
        if missing:
            raise UserError(
                f"{file}: {len(missing)} of {len(names)} blocks have no file in imgs or gt "
                f"({first_few(missing)}): {REMEDY}"
            )
        return names

    def identity(self, name: str) -> str:
        """Return a text that identifies the contents of a block's files."""
        return " ".join(files.file(f"{name}.mat").identity for files in (self.images, self.labels))

    def read(self, name: str, side: int) -> StoredPhoto:
        """Return a block, `side side 4`, with its labels: classes 0 to 5, or 255 for none.

        Raises:
            FileError: a file is damaged, or has other content
        """
        image = _array(self.images, name, "img")
        labels = _array(self.labels, name, "gt")
        expected = ((side, side, 4), (side, side))
        if (image.shape, labels.shape) != expected or image.dtype != np.uint8:
            found = f"{image.shape} {image.dtype} with labels {labels.shape}"
            kind = f"not {expected[0]} uint8 with labels {expected[1]}"
            raise FileError(self.images.place(f"{name}.mat"), kind, REMEDY, found)
        if not np.isin(labels, (*range(6), VOID)).all():
            raise FileError(self.labels.place(f"{name}.mat"), "labels are not 0 to 5", REMEDY)
        return StoredPhoto(id=name.zfill(4), image=image, labels=labels.astype(np.uint8))


def _array(files: OfficialFiles, name: str, key: str) -> np.ndarray:
    # scipy.io is slow to import, and every command loads every recipe.
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    file = files.file(f"{name}.mat")
    try:
        return np.asarray(loadmat(io.BytesIO(file.read()), variable_names=[key])[key])
    except (MatReadError, ValueError, TypeError, KeyError, NotImplementedError, OSError) as error:
        reason = " ".join(str(error).split())
        raise FileError(file, f"no array {key!r} can be read", REMEDY, reason) from error
