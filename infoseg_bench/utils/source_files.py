"""Official files by name, and how one is read: as they lie in a folder; `archive` has those inside a zip."""

from __future__ import annotations

import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path

from infoseg_bench.errors import UserError
from infoseg_bench.utils.disk import read_error

LARGEST = 1 << 29
"""Bytes of one file that may be read at once, against archives that swell; chosen by this project: 512
MiB."""

DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
"""What zipfile raises on archives that are damaged, encrypted or compressed in an unknown way."""


class OfficialFiles(ABC):
    """Files by name, safe to read from several threads."""

    names: Set[str]

    @abstractmethod
    def place(self, name: str) -> Path:
        """Return where a file lies, for messages: the archive counts as a folder."""

    @abstractmethod
    def identity(self, name: str) -> str:
        """Return what changes when the file does, without reading it."""

    @abstractmethod
    def open(self, name: str) -> BufferedIOBase:
        """Open a file for reading from its start.

        Raises:
            OSError: or one of DAMAGED
        """

    @abstractmethod
    def size(self, name: str) -> int:
        """Return the number of bytes that reading will give."""

    def read(self, name: str) -> bytes:
        """Read a whole file.

        Raises:
            UserError: missing, damaged, not readable, or larger than LARGEST
        """
        with readable(self.place(name)):
            if self.size(name) > LARGEST:
                raise UserError(
                    f"{self.place(name)}: {self.size(name)} bytes, more than the {LARGEST} that are read of "
                    "one file: is this the official file?"
                )
            with self.open(name) as handle:
                return handle.read()

    def file(self, name: str) -> OfficialFile:
        """Return one of the files."""
        return OfficialFile(self, name)


@dataclass(frozen=True)
class OfficialFile:
    """One file on disk or in an archive; as text, its place."""

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
            UserError: missing, damaged, not readable, or too large
        """
        return self.files.read(self.name)

    @property
    def identity(self) -> str:
        """Its name, and what changes when its content does."""
        return f"{self.name} {self.files.identity(self.name)}"


class FolderFiles(OfficialFiles):
    """The files directly in a folder."""

    def __init__(self, folder: Path) -> None:
        """List the folder.

        Raises:
            UserError: it cannot be read
        """
        self._folder = folder
        with readable(folder):
            self.names = frozenset(path.name for path in folder.iterdir() if path.name[0] != ".")

    def place(self, name: str) -> Path:
        """Return the path."""
        return self._folder / name

    def identity(self, name: str) -> str:
        """Return size and time of change."""
        with readable(self.place(name)):
            found = self.place(name).stat()
        return f"{found.st_size} {found.st_mtime_ns}"

    def open(self, name: str) -> BufferedIOBase:
        """Open the file."""
        return self.place(name).open("rb")

    def size(self, name: str) -> int:
        """Ask the file system."""
        return self.place(name).stat().st_size


@contextmanager
def readable(place: Path) -> Iterator[None]:
    """Turn what reading `place` raises into one line.

    Raises:
        UserError: missing, not readable or damaged
    """
    try:
        yield
    except FileNotFoundError:
        raise UserError(f"{place}: no such file: check the source folder") from None
    except OSError as error:
        raise read_error(error, place) from error
    except DAMAGED as error:
        raise _archive_error(error, place) from error


def _archive_error(error: Exception, place: Path) -> UserError:
    if isinstance(error, NotImplementedError):
        return UserError(
            f"{place}: packed in a way that Python cannot read ({error}): unpack it with another tool"
        )
    if isinstance(error, RuntimeError):
        return UserError(f"{place}: cannot be read ({error}): unpack the archive with its password")
    if isinstance(error, EOFError | zipfile.BadZipFile):
        return UserError(f"{place}: damaged or truncated ({error}): copy or fetch it again")
    return UserError(f"{place}: damaged ({error}): copy or fetch it again")
