"""COCO's official files: photos, label maps and annotations, unpacked in folders or still in archives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from infoseg_bench.errors import UserError, first_few
from infoseg_bench.preparation.archive import Archive
from infoseg_bench.utils.source_files import FolderFiles, OfficialFile, OfficialFiles

SPLITS = ("train2017", "val2017")
"""COCO's annotated splits."""

COMPLETE = 123_287
"""Number of photos in train2017 (118 287) and val2017 (5 000): STUFF README."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where files of one kind may be below the source folder; {split} stands for the split.

    Attributes:
        folders: folders that are searched, in this order; the first is COCO's own
        archive: archive that may be there instead
        inside: folder within the archive
        ending: ending of the file names
    """

    folders: tuple[str, ...]
    archive: str
    inside: str
    ending: str

    def __str__(self) -> str:
        file = "" if self.ending.startswith(".") else self.ending
        return f"{self.folders[0]}/{file} or {self.archive}"


PHOTOS = Place(
    folders=("{split}", "images/{split}", "{split}/{split}", "images/{split}/{split}"),
    archive="{split}.zip",
    inside="{split}",
    ending=".jpg",
)
LABEL_MAPS = Place(
    folders=(
        *("stuffthingmaps/{split}", "annotations/{split}", "stuffthingmaps/{split}/{split}"),
        *("stuffthingmaps/stuffthingmaps/{split}", "stuffthingmaps_trainval2017/{split}"),
    ),
    archive="stuffthingmaps_trainval2017.zip",
    inside="{split}",
    ending=".png",
)
ANNOTATIONS = Place(
    folders=("annotations", "annotations/annotations", "annotations_trainval2017/annotations"),
    archive="annotations_trainval2017.zip",
    inside="annotations",
    ending="instances_{split}.json",
)
"""COCO's own layout, that of IIC, PiCIE and STEGO (images/ next to annotations/), and archives that were
unpacked into a folder of the same name."""


class CocoFiles:
    """A folder with COCO's official files, unpacked or in archives; unpacked files take precedence.

    Attributes:
        root: the folder
    """

    def __init__(self, root: Path) -> None:
        """Check only that the folder exists; files are looked up later.

        Raises:
            UserError: no such folder
        """
        self.root = root
        if not root.is_dir():
            raise UserError(f"{root}: no such folder: pass the folder of COCO's files with --source")
        self._archives: dict[Path, Archive] = {}

    def photos(self) -> dict[str, OfficialFiles]:
        """Return the photos of every split that is available.

        Raises:
            UserError: none is
        """
        return self._some(PHOTOS)

    def label_maps(self) -> dict[str, OfficialFiles]:
        """Return COCO-Stuff's label maps of every split that is available.

        Raises:
            UserError: none is
        """
        return self._some(LABEL_MAPS)

    def annotations(self) -> dict[str, OfficialFiles]:
        """Return the folder of annotations of every split whose instance annotations are available.

        Raises:
            UserError: none is
        """
        return self._some(ANNOTATIONS)

    def place(self, file: OfficialFile) -> str:
        """Return the place of a file relative to the folder, for messages."""
        return file.files.place(file.name).relative_to(self.root).as_posix()

    def _some(self, place: Place) -> dict[str, OfficialFiles]:
        found = {split: self._files(place, split) for split in SPLITS}
        there = {split: files for split, files in found.items() if files is not None}
        if not there:
            places = str(place).format(split="{train2017,val2017}")
            here = first_few(sorted(path.name for path in self.root.iterdir() if path.name[0] != "."), 5)
            raise UserError(
                f"{self.root}: no {places}, only {here or 'nothing'}: put or link the files there, get them "
                "from COCO, or leave out --source to download them"
            )
        return there

    def _files(self, place: Place, split: str) -> OfficialFiles | None:
        """Return the files of one split, in the source folder or else in one of its subfolders."""
        ending = place.ending.format(split=split)
        without: OfficialFiles | None = None
        for root in (self.root, *sorted(path for path in self.root.iterdir() if path.is_dir())):
            for folder in place.folders:
                if (root / folder.format(split=split)).is_dir():
                    files: OfficialFiles = FolderFiles(root / folder.format(split=split))
                    if any(name.endswith(ending) for name in files.names):
                        return files
                    # An empty folder of the right name is returned as well: what it lacks is reported later.
                    if root == self.root and ending.startswith("."):
                        without = without or files
            path = root / place.archive.format(split=split)
            if path.is_file():
                files = self._archive(path).folder(place.inside.format(split=split))
                if any(name.endswith(ending) for name in files.names):
                    return files
        return without

    def _archive(self, path: Path) -> Archive:
        if path not in self._archives:
            self._archives[path] = Archive(path)
        return self._archives[path]
