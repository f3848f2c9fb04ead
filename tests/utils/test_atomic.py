from __future__ import annotations

import errno
import os
import threading
from pathlib import Path
from typing import IO

import pytest

from infoseg_bench.errors import UserError
from infoseg_bench.utils.atomic import write_atomic, write_text
from infoseg_bench.utils.disk import disk_error


def test_text_is_written_whole_in_utf_8_and_folders_are_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "notes.txt"
    write_text(path, "Größe ±\n")
    assert path.read_bytes() == "Größe ±\n".encode()
    assert os.listdir(path.parent) == ["notes.txt"]


def test_an_existing_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    write_text(path, "a long first version")
    write_text(path, "short")
    assert path.read_text() == "short"


@pytest.mark.parametrize("existing", [False, True])
@pytest.mark.parametrize("error", [ValueError("not writable so"), KeyboardInterrupt()])
def test_an_error_midway_leaves_the_file_as_it_was_and_nothing_beside_it(
    tmp_path: Path, existing: bool, error: BaseException
) -> None:
    path = tmp_path / "notes.txt"
    if existing:
        path.write_text("before")

    def write(handle: IO[bytes]) -> None:
        handle.write(b"half")
        handle.flush()
        raise error

    with pytest.raises(type(error)):
        write_atomic(path, write)
    assert os.listdir(tmp_path) == (["notes.txt"] if existing else [])
    assert not existing or path.read_text() == "before"


def test_until_it_is_whole_the_file_has_not_its_name(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"

    def write(handle: IO[bytes]) -> None:
        handle.write(b"whole")
        handle.flush()
        assert not path.exists()

    write_atomic(path, write)
    assert path.read_bytes() == b"whole"


def test_a_full_disk_is_told_in_one_line_and_the_file_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("before")

    def write(handle: IO[bytes]) -> None:
        with Path("/dev/full").open("wb") as full:
            full.write(b"x")

    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    with pytest.raises(UserError, match=r"notes\.txt: the disk is full: free some space") as caught:
        write_atomic(path, write)
    assert "\n" not in str(caught.value)
    assert path.read_text() == "before"
    assert os.listdir(tmp_path) == ["notes.txt"]


def test_a_folder_that_is_a_file_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file")
    for path in (tmp_path / "results" / "notes.txt", tmp_path / "results" / "runs" / "notes.txt"):
        with pytest.raises(UserError, match=r"notes\.txt: cannot be written"):
            write_text(path, "content")
    assert (tmp_path / "results").read_text() == "a file"


def test_a_folder_of_the_files_name_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").mkdir()
    with pytest.raises(UserError, match=r"notes\.txt: cannot be written"):
        write_text(tmp_path / "notes.txt", "content")
    assert os.listdir(tmp_path) == ["notes.txt"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_told_in_one_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(UserError, match=r"notes\.txt: cannot be written \(Permission denied\)"):
            write_text(tmp_path / "notes.txt", "content")
    finally:
        tmp_path.chmod(0o700)


def test_a_reader_never_sees_a_half_written_file(tmp_path: Path) -> None:
    path, seen, done = tmp_path / "notes.txt", set(), threading.Event()
    versions = [letter * 200_000 for letter in "abcdefghij"]
    write_text(path, versions[0])

    def read() -> None:
        while not done.is_set():
            seen.add(path.read_text())

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for version in versions:
            write_text(path, version)
    finally:
        done.set()
        reader.join()
    assert seen
    assert seen <= set(versions)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full"),
        (OSError("write failed, errno = 28, error message = 'No space left on device'"), "the disk is full"),
        (OSError(errno.EACCES, "Permission denied"), "Permission denied"),
        (OSError("Unable to open file"), "Unable to open file"),
    ],
)
def test_what_the_system_says_is_told_with_the_file(error: OSError, words: str) -> None:
    message = str(disk_error(error, Path("data/a.h5")))
    assert message.startswith("data/a.h5: ")
    assert words in message


def test_a_long_message_of_hdf5_becomes_one_line() -> None:
    # HDF5 ends its time stamp with a line break.
    error = OSError("Can't write data (file write failed: time = Mon Nov 23 17:20:29 2026\n, errno = 5)")
    assert "\n" not in str(disk_error(error, Path("a.h5")))
