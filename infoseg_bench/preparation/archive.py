"""Reads official files from zip archives without unpacking them."""

from __future__ import annotations

import re
import zipfile
from io import BufferedIOBase
from pathlib import Path
from typing import cast

from infoseg_bench.errors import UserError
from infoseg_bench.utils.progress import ProgressFactory
from infoseg_bench.utils.source_files import OfficialFiles, readable


class Archive:
    """An opened zip archive, whose list of files is read once and shared by all threads."""

    def __init__(self, path: Path) -> None:
        """Read the list of files.

        Raises:
            UserError: no permission, not a complete archive, or a file with a path outside of the archive
        """
        self.path = path
        with readable(path):
            self._zip = zipfile.ZipFile(path)
        # Some packers of Windows write the separator of its paths.
        names = {name.replace("\\", "/"): info for name, info in self._zip.NameToInfo.items()}
        for name in names:
            if re.match(r"/|[A-Za-z]:", name) or ".." in name.split("/"):
                raise UserError(
                    f"{path}: contains {name!r}, a path outside of the archive: fetch the official archive "
                    "again"
                )
        self._entries = {name: info for name, info in names.items() if not _is_hidden(name)}

    def check(self, progress: ProgressFactory) -> None:
        """Read every file and compare its CRC.

        Raises:
            UserError: one is damaged
        """
        for info in progress(self._zip.infolist(), f"checking {self.path.name} (files)"):
            with readable(self.path / info.filename), self._zip.open(info) as file:
                while file.read(1 << 20):
                    pass

    def folder(self, prefix: str) -> ArchiveFiles:
        """Return the files directly in a folder of this name, wherever it is in the archive."""
        entries = ((name.rpartition("/"), info) for name, info in self._entries.items())
        inside = {
            name: info for (folder, _, name), info in entries if f"/{folder}".endswith(f"/{prefix}") and name
        }
        return ArchiveFiles(self.path, self._zip, inside)

    def everywhere(self) -> ArchiveFiles:
        """Return the files of all folders by name; if a name occurs twice, the last one."""
        entries = ((name.rpartition("/")[2], info) for name, info in self._entries.items())
        return ArchiveFiles(self.path, self._zip, {name: info for name, info in entries if name})


def _is_hidden(name: str) -> bool:
    """Return whether an entry is hidden, such as those that macOS adds."""
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


class ArchiveFiles(OfficialFiles):
    """Files of an archive by name; zipfile checks the CRC of each one that is read."""

    def __init__(self, path: Path, archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo]) -> None:
        """Create the mapping for files of an open archive."""
        self._path, self._zip, self._entries = path, archive, entries
        self.names = entries.keys()

    def place(self, name: str) -> Path:
        """Return the paths of the archive and of the file in it."""
        return self._path / self._entries[name].filename

    def identity(self, name: str) -> str:
        """Return the size and CRC in the archive's list of files."""
        info = self._entries[name]
        return f"{info.file_size} {info.CRC:08x}"

    def open(self, name: str) -> BufferedIOBase:
        """Open the file inside the archive."""
        return cast(BufferedIOBase, self._zip.open(self._entries[name]))

    def size(self, name: str) -> int:
        """Return the uncompressed size of the file in bytes."""
        return self._entries[name].file_size
