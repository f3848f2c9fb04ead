from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from infoseg_bench.errors import UserError
from infoseg_bench.images.photo_files import list_photos


def test_photos_are_listed_by_stem_whatever_their_suffix(tmp_path: Path) -> None:
    for name in ("b.JPG", "a.png", "c.WebP", ".hidden.jpg", "notes.txt", "b2.tiff"):
        (tmp_path / name).touch()
    (tmp_path / "folder.jpg").mkdir()
    assert [path.name for path in list_photos(tmp_path)] == ["a.png", "b.JPG", "b2.tiff", "c.WebP"]


def test_folders_without_photos_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(UserError, match="none: no such folder"):
        list_photos(tmp_path / "none")
    with pytest.raises(UserError, match="file: a file, not a folder"):
        list_photos(file)
    with pytest.raises(UserError, match="no photos here"):
        list_photos(tmp_path)

    def forbidden(_: Path) -> Iterator[Path]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", forbidden)
    with pytest.raises(UserError, match="no permission to read this folder"):
        list_photos(tmp_path)


def test_every_entry_that_is_passed_over_is_counted_and_the_first_named(tmp_path: Path) -> None:
    for name in ("a.png", ".b.png", "raw.cr2", "notes.txt", "more/c.jfif", "__MACOSX/._a.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "more" / "loop").symlink_to(tmp_path)
    listing = list_photos(tmp_path)
    assert list(listing.files) == ["a", "more/c"]
    assert listing.left_out == {
        "hidden file{s}": [".b.png", "__MACOSX"],
        "broken link{s}": ["gone.png"],
        "link{s} to a folder above": ["more/loop"],
        "file{s} of other types": ["notes.txt", "raw.cr2"],
    }
    assert "2 hidden files (.b.png, __MACOSX), 1 broken link (gone.png)" in listing.left_out_line


def test_names_are_composed_and_those_that_are_none_are_faults(tmp_path: Path) -> None:
    for name in ("Ku\u0308he.png", "a.jpg", "a.png"):
        (tmp_path / name).touch()
    with suppress(OSError):  # macOS refuses such names
        open(os.fsencode(tmp_path) + b"/M\xfcnchen.png", "w").close()
    listing = list_photos(tmp_path)
    assert list(listing.files) == ["K\u00fche", "a"]
    told = [str(fault) for fault in listing.faults]
    assert any("a.jpg and a.png share the name 'a': rename one" in line for line in told)
    if len(told) == 2:
        assert any(r"M\xfcnchen.png: the name is not UTF-8: rename the file" in line for line in told)
