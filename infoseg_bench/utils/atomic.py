"""Atomic writes: a file is written under a temporary name, then renamed, so it is complete or absent."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import IO

from infoseg_bench.utils.disk import disk_error


def write_atomic(
    path: Path,
    write: Callable[[IO[bytes]], object],
    *,
    durable: bool = True,
    previous: Path | None = None,
) -> None:
    """Write a temporary file beside `path`, then rename it to `path`.

    Args:
        path: the file to write
        write: writes the content to the open file that it is called with
        durable: whether to wait until the data are on the disk; if not, a power cut may damage the file
        previous: new name of a file that `path` already names; None: that file is overwritten

    Raises:
        UserError: the disk is full or the folder cannot be written; `path` is unchanged
    """
    # Processes on different machines may have the same id.
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as handle:
            write(handle)
            handle.flush()
            if durable:
                os.fsync(handle.fileno())
        if previous is not None and path.exists():
            path.replace(previous)
        temporary.replace(path)
        if durable:
            sync_folder(path.parent)
    except OSError as error:
        raise disk_error(error, path) from error
    finally:
        # After the rename, or if the folder could not be made, there is no temporary file.
        with contextlib.suppress(OSError):
            temporary.unlink()


def sync_folder(folder: Path) -> None:
    """Wait until the entries of a folder are on the disk, if the system supports it."""
    # Windows cannot open folders, and some network disks cannot sync them.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_text(path: Path, text: str, *, durable: bool = True) -> None:
    """Write a text file in UTF-8; the options and errors are those of `write_atomic`."""
    write_bytes(path, text.encode(), durable=durable)


def write_bytes(
    path: Path, content: bytes | memoryview, *, durable: bool = True, previous: Path | None = None
) -> None:
    """Write a binary file; the options and errors are those of `write_atomic`."""
    write_atomic(path, lambda handle: _write_all(handle, content), durable=durable, previous=previous)


def _write_all(handle: IO[bytes], content: bytes | memoryview) -> None:
    handle.write(content)
