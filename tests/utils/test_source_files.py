from __future__ import annotations

from pathlib import Path

import pytest

from infoseg_bench.errors import UserError
from infoseg_bench.preparation.archive import Archive
from infoseg_bench.utils.source_files import FolderFiles
from tests.datasets.official import zip_files


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PermissionError(13, "Permission denied"), "no permission to read it: change its permissions"),
        (OSError(5, "Input/output error"), r"cannot be read \(Input/output error\): check the disk"),
        (FileNotFoundError(2, "No such file"), "no such file: check the source folder"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, words: str
) -> None:
    def refused(*_: object) -> None:
        raise error

    (tmp_path / "1.jpg").write_bytes(b"content")
    (tmp_path / "photos.zip").write_bytes(b"content")
    files = FolderFiles(tmp_path)
    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(UserError, match=rf"1\.jpg: {words}"):
        files.read("1.jpg")
    monkeypatch.setattr("zipfile.ZipFile", refused)
    with pytest.raises(UserError, match=rf"photos\.zip: {words}"):
        Archive(tmp_path / "photos.zip")


def test_a_file_behind_a_password_is_named_as_that(tmp_path: Path) -> None:
    path = zip_files(tmp_path / "photos.zip", {"a/1.jpg": b"content"})
    content = bytearray(path.read_bytes())
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(header) + flags] |= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"photos\.zip/a/1\.jpg: locked with a password: unpack the archive"):
        Archive(path).folder("a").read("1.jpg")
