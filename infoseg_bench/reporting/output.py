"""The folder of a report: it knows what was written, so that no file of an earlier report stays."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from infoseg_bench.utils.atomic import write_atomic

LIST = "files.txt"
"""Names of all files of the report, one per line."""


class Output:
    """A folder that is written anew by every report, beside files of other origin that it may hold.

    Args:
        root: the folder; made when the first file is
        ignored: keep its files out of git
    """

    def __init__(self, root: Path, *, ignored: bool = False) -> None:
        self.root = root
        self._ignored = ignored
        self._written: set[str] = set()

    def put(self, name: str, content: str | bytes) -> Path:
        """Write a file; it can be made again at any time, so nobody waits for the disk."""
        whole = content.encode() if isinstance(content, str) else content
        write_atomic(self.root / name, lambda handle: handle.write(whole), durable=False)
        self._written.add(name)
        if self._ignored and len(self._written) == 1:
            self.put(".gitignore", "*\n")
        return self.root / name

    def put_all(self, files: Mapping[str, str | bytes], folder: str = ".") -> None:
        """Write files by their names in a folder."""
        for name, content in files.items():
            self.put(str(PurePosixPath(folder, name)), content)

    def finish(self) -> None:
        """Remove what an earlier report wrote and this one did not, and list this one's files."""
        for name in self._listed() - self._written:
            self._remove(self.root / name)
        if self._written:
            self.put(LIST, "".join(f"{name}\n" for name in sorted(self._written | {LIST})))

    def _listed(self) -> set[str]:
        try:
            return set((self.root / LIST).read_text().splitlines())
        except (FileNotFoundError, UnicodeDecodeError):
            return set()

    def _remove(self, path: Path) -> None:
        # The list may have come from elsewhere: nothing outside the folder is touched for its sake.
        if not (path.resolve().is_relative_to(self.root.resolve()) and path.is_file()):
            return
        path.unlink()
        for parent in path.parents:
            if parent == self.root or any(parent.iterdir()):
                return
            parent.rmdir()
