"""Files that are whole or absent: written under a temporary name, then renamed."""

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
    write: Callable[[IO[bytes]], None],
    *,
    durable: bool = True,
    previous: Path | None = None,
) -> None:
    """Let `write` fill a temporary file beside `path`, then give it that name.

    Args:
        path: its name
        write: fills the file
        durable: wait until the disk has it; otherwise a power cut may leave a damaged file
        previous: name under which the file that was there stays; none: it is replaced

    Raises:
        UserError: the disk is full or the folder cannot be written; `path` is as it was
    """
    # Processes on several machines may have the same number.
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
        # Where the folder is none, there is nothing to remove either.
        with contextlib.suppress(OSError):
            temporary.unlink()


def sync_folder(folder: Path) -> None:
    """Wait until the disk has the names in a folder, where the system can tell."""
    # Windows opens no folders, and some network disks sync none.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_text(path: Path, text: str, *, durable: bool = True) -> None:
    """Write a whole text file in UTF-8."""
    write_bytes(path, text.encode(), durable=durable)


def write_bytes(
    path: Path, content: bytes | memoryview, *, durable: bool = True, previous: Path | None = None
) -> None:
    """Write a whole binary file; the options are those of `write_atomic`."""
    write_atomic(path, lambda handle: _write_all(handle, content), durable=durable, previous=previous)


def _write_all(handle: IO[bytes], content: bytes | memoryview) -> None:
    handle.write(content)
