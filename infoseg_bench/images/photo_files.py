"""Finding image files in a folder and its subfolders, and counting what is left out."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from infoseg_bench.errors import FileError, UserError, first_few, printable
from infoseg_bench.utils.disk import read_error

PHOTO_SUFFIXES = frozenset(
    (
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".bmp", ".dib", ".tif", ".tiff", ".webp"),
        *(".avif", ".jp2", ".j2k", ".jpx", ".jxl", ".heic", ".heif", ".ppm", ".pgm", ".pnm", ".tga"),
    )
)
"""What counts as a photo, in lower case; chosen by this project. Whether Pillow can decode it here is
found out when it is read."""

ARCHIVE_LEFTOVERS = "__MACOSX"
"""A folder that macOS adds to zip files: it holds no photos, only hidden files of their names."""


@dataclass(kw_only=True)
class Listing:
    """The files of a folder and its subfolders; iterating gives their paths.

    Attributes:
        folder: that was listed
        files: by id, which is the path below the folder without suffix, as composed Unicode; sorted by id
        left_out: kind of entry to the entries that were passed over, as text relative to the folder
        faults: files that are wanted but cannot be given an id of their own
    """

    folder: Path
    files: dict[str, Path] = field(default_factory=dict)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    faults: list[FileError] = field(default_factory=list)

    def __iter__(self) -> Iterator[Path]:
        return iter(self.files.values())

    def leave_out(self, kind: str, path: Path) -> None:
        """Count an entry under a plural, such as "hidden files"."""
        self.left_out.setdefault(kind, []).append(printable(path.relative_to(self.folder)))

    @property
    def left_out_line(self) -> str:
        """Return how many entries of each kind were left out and the first ones; empty if none was."""
        kinds = (f"{len(names)} {kind} ({first_few(names)})" for kind, names in self.left_out.items())
        return ", ".join(kinds)

    def with_suffix(self, suffix: str) -> Listing:
        """Return the files whose id ends in `suffix`, which is cut off; the others are left out."""
        if not suffix:
            return self
        composed = unicodedata.normalize("NFC", suffix)
        left_out = {kind: list(names) for kind, names in self.left_out.items()}
        chosen = Listing(folder=self.folder, left_out=left_out, faults=list(self.faults))
        for name, path in self.files.items():
            short = name.removesuffix(composed)
            if short == name or not short.rpartition("/")[2]:
                chosen.leave_out(f"files not named *{suffix}", path)
            else:
                chosen.files[short] = path
        return chosen


def list_folder(folder: Path, suffixes: Collection[str]) -> Listing:
    """List the files with one of some suffixes in a folder and its subfolders.

    Hidden files, broken links, other types of file and folders that cannot be read are left out and counted.

    Args:
        folder: to list
        suffixes: in lower case, with the dot

    Raises:
        UserError: no such folder, not a folder, or no permission
    """
    listing = Listing(folder=folder)
    try:
        _add_folder(folder, suffixes, listing, above=())
    except FileNotFoundError:
        raise UserError(f"{printable(folder)}: no such folder: check the path") from None
    except NotADirectoryError:
        archive = folder.suffix.lower() in (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar")
        remedy = "unpack it and give the folder" if archive else "give the folder that holds the files"
        raise UserError(f"{printable(folder)}: a file, not a folder: {remedy}") from None
    except OSError as error:
        raise read_error(error, printable(folder), "this folder") from error
    listing.files = dict(sorted(listing.files.items()))
    return listing


def list_photos(folder: Path) -> Listing:
    """List the photos in a folder and its subfolders.

    Raises:
        UserError: no folder, no permission, or no photo
    """
    listing = list_folder(folder, PHOTO_SUFFIXES)
    if not listing.files and not listing.faults:
        passed = f"; left out: {listing.left_out_line}" if listing.left_out else ""
        raise UserError(f"{printable(folder)}: no photos here: expected files such as .jpg or .png{passed}")
    return listing


def _add_folder(folder: Path, suffixes: Collection[str], listing: Listing, above: tuple[str, ...]) -> None:
    here = (*above, os.path.realpath(folder))
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name == ARCHIVE_LEFTOVERS:
            listing.leave_out("hidden files", path)
        elif path.is_symlink() and not path.exists():
            listing.leave_out("broken links", path)
        elif path.is_dir():
            _add_subfolder(path, suffixes, listing, here)
        elif path.suffix.lower() not in suffixes or not path.is_file():
            listing.leave_out("files of other types", path)
        else:
            _add_file(path, listing)


def _add_subfolder(path: Path, suffixes: Collection[str], listing: Listing, above: tuple[str, ...]) -> None:
    if os.path.realpath(path) in above:
        listing.leave_out("links to a folder above", path)
        return
    try:
        _add_folder(path, suffixes, listing, above)
    except PermissionError:
        listing.leave_out("folders without permission to read", path)


def _add_file(path: Path, listing: Listing) -> None:
    name = path.relative_to(listing.folder).with_suffix("").as_posix()
    try:
        name.encode()
    except UnicodeEncodeError:
        listing.faults.append(FileError(path, "the name is not UTF-8", "rename the file"))
        return
    composed = unicodedata.normalize("NFC", name)
    if composed in listing.files:
        both = f"{listing.files[composed].name} and {path.name} share the name {composed!r}"
        remedy = "rename one, or move label maps to a folder of their own"
        listing.faults.append(FileError(path, "shares its name with another file", remedy, both, both))
        return
    listing.files[composed] = path
