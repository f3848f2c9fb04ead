"""COCO's official files: photos, label maps and annotations, as folders or as the archives themselves."""

from __future__ import annotations

from pathlib import Path

from infoseg_bench.errors import UserError
from infoseg_bench.preparation.archive import Archive
from infoseg_bench.utils.source_files import FolderFiles, OfficialFile, OfficialFiles

SPLITS = ("train2017", "val2017")
"""COCO's annotated splits."""

COMPLETE = 123_287
"""Photos of train2017 (118 287) and val2017 (5 000): STUFF README."""

PHOTOS = "{split}/ or {split}.zip"
LABEL_MAPS = "stuffthingmaps/{split}/ or stuffthingmaps_trainval2017.zip"
ANNOTATIONS = "annotations/instances_{split}.json or annotations_trainval2017.zip"


class CocoFiles:
    """A folder with COCO's official files, unpacked or not; where both are there, the folder counts.

    Attributes:
        root: the folder
    """

    def __init__(self, root: Path) -> None:
        """Look at nothing yet.

        Raises:
            UserError: no such folder
        """
        self.root = root
        if not root.is_dir():
            raise UserError(f"{root}: no such folder: give the one that holds COCO's files with --source")
        self._archives: dict[str, Archive] = {}

    def photos(self) -> dict[str, OfficialFiles]:
        """Return the photos of every split that is there.

        Raises:
            UserError: none is
        """
        return self._some({split: self._files(split, f"{split}.zip", split) for split in SPLITS}, PHOTOS)

    def label_maps(self) -> dict[str, OfficialFiles]:
        """Return COCO-Stuff's label maps of every split that is there.

        Raises:
            UserError: none is
        """
        archive = "stuffthingmaps_trainval2017.zip"
        found = {split: self._files(f"stuffthingmaps/{split}", archive, split) for split in SPLITS}
        return self._some(found, LABEL_MAPS)

    def annotations(self) -> dict[str, OfficialFiles]:
        """Return the folder of annotations of every split whose instances are there.

        Raises:
            UserError: none is
        """
        files = self._files("annotations", "annotations_trainval2017.zip", "annotations")
        found = {
            split: files if files is not None and f"instances_{split}.json" in files.names else None
            for split in SPLITS
        }
        return self._some(found, ANNOTATIONS)

    def place(self, file: OfficialFile) -> str:
        """Return where one of the files lies below the folder."""
        return file.files.place(file.name).relative_to(self.root).as_posix()

    def _some(self, found: dict[str, OfficialFiles | None], layout: str) -> dict[str, OfficialFiles]:
        there = {split: files for split, files in found.items() if files is not None}
        if not there:
            places = layout.format(split="{train2017,val2017}")
            raise UserError(
                f"{self.root}: no {places}: fetch it from COCO, or leave --source out to download"
            )
        return there

    def _files(self, folder: str, archive: str, inside: str) -> OfficialFiles | None:
        if (self.root / folder).is_dir():
            return FolderFiles(self.root / folder)
        path = self.root / archive
        if not path.is_file():
            return None
        if archive not in self._archives:
            self._archives[archive] = Archive(path)
        files = self._archives[archive].folder(inside)
        return files if files.names else None
