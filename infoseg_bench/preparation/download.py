"""Downloads official archives into a folder that all data sets share, and verifies them."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from infoseg_bench.contracts.recipe import SourceFile
from infoseg_bench.errors import UserError
from infoseg_bench.preparation.archive import Archive
from infoseg_bench.preparation.http_download import BLOCK, remote_size, transfer
from infoseg_bench.utils.atomic import write_text
from infoseg_bench.utils.disk import disk_error
from infoseg_bench.utils.progress import ProgressFactory
from infoseg_bench.utils.source_files import readable


@dataclass(frozen=True, kw_only=True)
class Download:
    """One archive to download.

    Attributes:
        source: the archive
        size: size in bytes; None if unknown
        arrived: bytes of it that were downloaded before an interruption
    """

    source: SourceFile
    size: int | None
    arrived: int

    @property
    def missing(self) -> int:
        """Bytes that are still missing, as far as known."""
        return max((self.size or 0) - self.arrived, 0)


def missing(sources: Sequence[SourceFile], folder: Path) -> list[SourceFile]:
    """Return the archives that are neither complete nor unpacked in the folder."""
    return [
        source
        for source in sources
        if not (folder / source.name).is_file() and not (folder / source.unpacked).is_dir()
    ]


def plan(sources: Sequence[SourceFile], folder: Path) -> list[Download]:
    """Return the downloads that are needed, asking the server for sizes that are not published.

    Raises:
        UserError: the server cannot be asked
    """
    return [
        Download(
            source=source,
            size=source.size if source.size is not None else remote_size(source.address),
            arrived=_size_of(folder / f"{source.name}.partial"),
        )
        for source in missing(sources, folder)
    ]


def check_space(downloads: Sequence[Download], folder: Path, working_space: int) -> int:
    """Return the free bytes of the disk.

    Raises:
        UserError: there are fewer than the downloads and the building of the store need
    """
    free = shutil.disk_usage(_existing(folder)).free
    needed = sum(download.missing for download in downloads) + working_space
    if free < needed:
        raise UserError(
            f"{folder}: {needed} bytes are needed, and {free} are free: free some space, or choose another "
            "folder with --data"
        )
    return free


def obtain(
    source: SourceFile,
    folder: Path,
    progress: ProgressFactory,
    *,
    size: int | None,
    waiting: Callable[[Path], None],
) -> None:
    """Download an archive into the folder if it is missing, and verify it.

    Processes that need the same archive share one download.

    Args:
        source: the archive
        folder: folder of the archive
        progress: shows the progress
        size: size in bytes, if known
        waiting: called if another process is already downloading or checking the archive

    Raises:
        UserError: the archive cannot be downloaded, or is not the official one
    """
    path = folder / source.name
    with _alone(path, waiting):
        if path.is_file():
            _verify_again(path, source, progress)
            return
        partial = folder / f"{source.name}.partial"
        transfer(source.address, partial, size=size, progress=progress)
        try:
            digest = _verified(partial, source, progress)
        except UserError:
            partial.unlink(missing_ok=True)
            raise
        partial.replace(path)
        _record(path, digest)


@contextmanager
def _alone(path: Path, waiting: Callable[[Path], None]) -> Iterator[None]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path.with_name(f".{path.name}.lock"))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            waiting(path)
            lock.acquire()
    except OSError as error:
        raise disk_error(error, path) from error
    with lock:
        # `with` acquires the lock a second time; this releases the first.
        lock.release()
        yield


def _verified(path: Path, source: SourceFile, progress: ProgressFactory) -> str:
    """Check size, published SHA-256 and the CRC of every file, and return the SHA-256.

    Raises:
        UserError: it is not the official archive
    """
    size = _size_of(path)
    if source.size not in (None, size):
        raise UserError(f"{path}: {size} bytes, not the official {source.size}: fetch it again")
    digest = _sha256(path, progress)
    if source.sha256 not in (None, digest):
        raise UserError(f"{path}: SHA-256 {digest}, not the official {source.sha256}: fetch it again")
    Archive(path).check(progress)
    return digest


def _verify_again(path: Path, source: SourceFile, progress: ProgressFactory) -> None:
    record = _record_of(path)
    if not record.is_file():
        _record(path, _verified(path, source, progress))
    elif record.stat().st_mtime_ns < path.stat().st_mtime_ns:
        # Hashing 19 GB takes a while, so archives are hashed again only if they have changed.
        expected, found = record.read_text(encoding="utf-8").partition(" ")[0], _sha256(path, progress)
        if found != expected:
            raise UserError(f"{path}: changed since it was verified: remove it, and it is fetched again")
        record.touch()


def _record(path: Path, digest: str) -> None:
    """Save the hash in the format of `sha256sum -c`."""
    write_text(_record_of(path), f"{digest}  {path.name}\n")


def _record_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _sha256(path: Path, progress: ProgressFactory) -> str:
    digest = hashlib.sha256()
    with readable(path), path.open("rb") as file:
        for _ in progress(range(-(-_size_of(path) // BLOCK)), f"checking {path.name} (MiB)"):
            digest.update(file.read(BLOCK))
    return digest.hexdigest()


def _size_of(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _existing(folder: Path) -> Path:
    return next(place for place in (folder, *folder.absolute().parents) if place.is_dir())
