"""The official files of a data set by name, in a folder; `preparation.archive` reads them from a zip."""

from __future__ import annotations

import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path

from infoseg_bench.errors import FileError
from infoseg_bench.utils.disk import read_error

LARGEST = 1 << 29
"""Maximum bytes of a file read at once, as protection against decompression bombs: 512 MiB, chosen by this
project."""

DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
"""Exceptions of zipfile for archives that are damaged, encrypted or compressed in an unknown way."""


class OfficialFiles(ABC):
    """Files by name, which several threads may read at once."""

    names: Set[str]

    @abstractmethod
    def place(self, name: str) -> Path:
        """Return the path of a file for messages; an archive is treated as a folder."""

    @abstractmethod
    def identity(self, name: str) -> str:
        """Return a text that changes when the file changes, without reading the file."""

    @abstractmethod
    def open(self, name: str) -> BufferedIOBase:
        """Open a file for reading from its start.

        Raises:
            OSError: the file cannot be read; or one of `DAMAGED`
        """

    @abstractmethod
    def size(self, name: str) -> int:
        """Return the size of the file in bytes, uncompressed."""

    def read(self, name: str) -> bytes:
        """Read a whole file.

        Raises:
            FileError: missing, damaged, not readable, or larger than LARGEST
        """
        with readable(self.place(name)):
            if self.size(name) > LARGEST:
                kind = f"more than the maximum of {LARGEST} bytes"
                detail = f"{self.size(name)} bytes"
                raise FileError(self.place(name), kind, "check that this is the official file", detail)
            with self.open(name) as handle:
                return handle.read()

    def file(self, name: str) -> OfficialFile:
        """Return one of the files."""
        return OfficialFile(self, name)


@dataclass(frozen=True)
class OfficialFile:
    """One file in a folder or an archive; `str` gives its path."""

    files: OfficialFiles
    name: str

    def __str__(self) -> str:
        return str(self.files.place(self.name))

    def open(self, mode: str = "rb") -> BufferedIOBase:
        """Open it for reading, as `Path.open` would."""
        return self.files.open(self.name)

    def read(self) -> bytes:
        """Read it whole.

        Raises:
            FileError: missing, damaged, not readable, or too large
        """
        return self.files.read(self.name)

    @property
    def identity(self) -> str:
        """A text with its name that changes when the file changes."""
        return f"{self.name} {self.files.identity(self.name)}"


class FolderFiles(OfficialFiles):
    """The files directly in a folder."""

    def __init__(self, folder: Path) -> None:
        """List the folder.

        Raises:
            FileError: it cannot be read
        """
        self._folder = folder
        with readable(folder):
            self.names = frozenset(path.name for path in folder.iterdir() if path.name[0] != ".")

    def place(self, name: str) -> Path:
        """Return the path."""
        return self._folder / name

    def identity(self, name: str) -> str:
        """Return what `file_identity` does."""
        return file_identity(self.place(name))

    def open(self, name: str) -> BufferedIOBase:
        """Open the file."""
        return self.place(name).open("rb")

    def size(self, name: str) -> int:
        """Return the size of the file in bytes."""
        return self.place(name).stat().st_size


def file_identity(path: Path) -> str:
    """Return a file's number on the disk, its size, and the times of its last changes.

    Raises:
        FileError: it is gone
    """
    with readable(path):
        found = path.stat()
    return f"{found.st_ino} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}"


@contextmanager
def readable(place: Path) -> Iterator[None]:
    """Turn errors of reading `place` in this context into one-line messages.

    Raises:
        FileError: the file is missing, not readable or damaged
    """
    try:
        yield
    except FileNotFoundError:
        raise FileError(place, "no such file", "check the source folder") from None
    except OSError as error:
        raise read_error(error, place) from error
    except DAMAGED as error:
        raise archive_error(error, place) from error


def archive_error(error: Exception, place: object) -> FileError:
    """Return an error that describes in one line why a file in an archive could not be read."""
    # The message names the file within the archive, which is not what differs.
    reason = str(error).partition(" for file")[0]
    if isinstance(error, NotImplementedError):
        kind = f"compressed in a way that Python cannot read ({reason})"
        return FileError(place, kind, "unpack it with another tool")
    if isinstance(error, RuntimeError):
        encrypted = "encrypted" in str(error)
        kind = "locked with a password" if encrypted else f"cannot be read ({reason})"
        return FileError(place, kind, "unpack the archive with its password" if encrypted else "")
    return FileError(place, f"damaged or truncated ({reason})", "copy or fetch it again")
