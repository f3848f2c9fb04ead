from __future__ import annotations

from collections.abc import Iterator
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
    (tmp_path / "a.jpg").touch()
    (tmp_path / "a.png").touch()
    with pytest.raises(UserError, match=r"a\.jpg and a\.png share the name 'a': rename one"):
        list_photos(tmp_path)

    def forbidden(_: Path) -> Iterator[Path]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", forbidden)
    with pytest.raises(UserError, match="no permission to read this folder"):
        list_photos(tmp_path)
