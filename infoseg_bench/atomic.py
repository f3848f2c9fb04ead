"""Files that are whole or absent: written under a temporary name, then renamed."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import IO

from infoseg_bench.errors import UserError


def write_atomic(path: Path, write: Callable[[IO[bytes]], None], *, durable: bool = True) -> None:
    """Let `write` fill a temporary file beside `path`, then give it that name.

    Args:
        path: its name
        write: fills the file
        durable: wait until the disk has it; otherwise a power cut may leave a damaged file

    Raises:
        UserError: the disk is full or the folder cannot be written; `path` is as it was
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as handle:
            write(handle)
            handle.flush()
            if durable:
                os.fsync(handle.fileno())
        temporary.replace(path)
    except OSError as error:
        raise disk_error(error, path) from error
    finally:
        # Where the folder is none, there is nothing to remove either.
        with contextlib.suppress(OSError):
            temporary.unlink()


def write_text(path: Path, text: str) -> None:
    """Write a whole text file in UTF-8."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes | memoryview) -> None:
    """Write a whole binary file."""
    write_atomic(path, lambda handle: write_all(handle, content))


def disk_error(error: OSError, path: Path) -> UserError:
    """Say in one line what the system had against writing `path`."""
    # HDF5 puts the system's error number into its message only.
    if error.errno == errno.ENOSPC or f"errno = {errno.ENOSPC}" in str(error):
        return UserError(f"{path}: the disk is full: free some space, or choose another folder")
    reason = error.strerror or " ".join(str(error).split())
    return UserError(
        f"{path}: cannot be written ({reason}): check the folder's permissions, or choose another one"
    )


def write_all(handle: IO[bytes], content: bytes | memoryview) -> None:
    """Write into an open file, as `write_atomic` wants it."""
    handle.write(content)
