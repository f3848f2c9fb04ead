"""Find image files in a folder and its subfolders, and count the files left out."""

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
        *(".avif", ".jp2", ".j2k", ".jpx", ".jxl", ".heic", ".heif", ".ppm", ".pgm", ".pnm"),
        *(".tga", ".gif"),
    )
)
"""File name suffixes of photos, in lower case; chosen by this project. Whether the installed Pillow can
decode a file is only known when it is read."""

ARCHIVE_LEFTOVERS = "__MACOSX"
"""Folder of metadata that macOS adds to zip files; its hidden files are named like the photos."""


@dataclass(kw_only=True)
class Listing:
    """The files of a folder and its subfolders; iterates over their paths.

    Attributes:
        folder: the folder that was listed
        files: id to path, sorted; the id is the path relative to `folder` without suffix, in Unicode NFC
        left_out: kind of entry, such as "hidden file{s}", to the paths left out, relative to `folder`
        faults: files of a wanted type without a valid or unique id
    """

    folder: Path
    files: dict[str, Path] = field(default_factory=dict)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    faults: list[FileError] = field(default_factory=list)

    def __iter__(self) -> Iterator[Path]:
        return iter(self.files.values())

    def leave_out(self, kind: str, path: Path) -> None:
        """Add an entry to those left out; `kind` has {s} for its plural, such as "hidden file{s}"."""
        self.left_out.setdefault(kind, []).append(printable(path.relative_to(self.folder)))

    @property
    def left_out_line(self) -> str:
        """The number and the first names of the entries left out, by kind; empty if there are none."""
        return ", ".join(
            f"{len(names)} {kind.replace('{s}', 's' * (len(names) > 1))} ({first_few(names)})"
            for kind, names in self.left_out.items()
        )

    def with_suffix(self, suffix: str) -> Listing:
        """Return a listing of the files whose id ends in `suffix`, with that suffix removed from the id."""
        if not suffix:
            return self
        composed = unicodedata.normalize("NFC", suffix)
        left_out = {kind: list(names) for kind, names in self.left_out.items()}
        chosen = Listing(folder=self.folder, left_out=left_out, faults=list(self.faults))
        for name, path in self.files.items():
            short = name.removesuffix(composed)
            if short == name or not short.rpartition("/")[2]:
                chosen.leave_out("file{s} not named *" + suffix, path)
            else:
                chosen.files[short] = path
        return chosen


def list_folder(folder: Path, suffixes: Collection[str]) -> Listing:
    """List the files with one of the given suffixes in a folder and its subfolders.

    Hidden files, broken links, files of other types and unreadable folders are left out and counted.

    Args:
        folder: the folder to list
        suffixes: file name suffixes in lower case, with the dot

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
        remedy = "unpack it and pass the folder" if archive else "pass the folder that contains the files"
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
            listing.leave_out("hidden file{s}", path)
        elif path.is_symlink() and not path.exists():
            listing.leave_out("broken link{s}", path)
        elif path.is_dir():
            _add_subfolder(path, suffixes, listing, here)
        elif path.suffix.lower() not in suffixes or not path.is_file():
            listing.leave_out("file{s} of other types", path)
        else:
            _add_file(path, listing)


def _add_subfolder(path: Path, suffixes: Collection[str], listing: Listing, above: tuple[str, ...]) -> None:
    if os.path.realpath(path) in above:
        listing.leave_out("link{s} to a folder above", path)
        return
    try:
        _add_folder(path, suffixes, listing, above)
    except PermissionError:
        listing.leave_out("folder{s} without permission to read", path)


def file_id(path: Path, folder: Path) -> str:
    """Return the id of a file: its path relative to a folder without suffix, in Unicode NFC."""
    return unicodedata.normalize("NFC", path.relative_to(folder).with_suffix("").as_posix())


def _add_file(path: Path, listing: Listing) -> None:
    composed = file_id(path, listing.folder)
    try:
        composed.encode()
    except UnicodeEncodeError:
        listing.faults.append(FileError(path, "the name is not UTF-8", "rename the file"))
        return
    if composed in listing.files:
        both = f"{listing.files[composed].name} and {path.name} share the name {composed!r}"
        remedy = "rename one, or move label maps to a separate folder"
        listing.faults.append(FileError(path, "shares its name with another file", remedy, both, both))
        return
    listing.files[composed] = path
