"""Finding photos in a folder."""

from __future__ import annotations

from pathlib import Path

from infoseg_bench.errors import UserError

PHOTO_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"})
"""What counts as a photo, in lower case; chosen by this project."""


def list_photos(folder: Path) -> list[Path]:
    """Find the photos directly in a folder, sorted by stem; hidden files are left out.

    Raises:
        UserError: no folder, no permission, no photo, or two photos with one stem
    """
    by_stem: dict[str, Path] = {}
    for path in list_files(folder):
        if path.suffix.lower() not in PHOTO_SUFFIXES:
            continue
        if path.stem in by_stem:
            raise UserError(
                f"{folder}: {by_stem[path.stem].name} and {path.name} share the name {path.stem!r}: "
                "rename one, or move label maps to a folder of their own"
            )
        by_stem[path.stem] = path
    if not by_stem:
        raise UserError(f"{folder}: no photos here: expected files such as .jpg or .png, not in subfolders")
    return [by_stem[stem] for stem in sorted(by_stem)]


def list_files(folder: Path) -> list[Path]:
    """Return the files directly in a folder, sorted by name; hidden ones are left out.

    Raises:
        UserError: no such folder, not a folder, or no permission
    """
    try:
        return sorted(path for path in folder.iterdir() if path.name[0] != "." and path.is_file())
    except FileNotFoundError:
        raise UserError(f"{folder}: no such folder: check the path") from None
    except NotADirectoryError:
        raise UserError(f"{folder}: a file, not a folder: give the folder that holds the files") from None
    except PermissionError:
        raise UserError(f"{folder}: no permission to read this folder: change its permissions") from None
    except OSError as error:
        raise UserError(f"{folder}: cannot be read ({error.strerror}): check the path") from error
