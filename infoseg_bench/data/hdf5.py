"""Opening HDF5 files for reading, without locks and with one-line errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from infoseg_bench.errors import UserError, printable


@contextmanager
def opened_store(path: Path) -> Iterator[h5py.File]:
    """Open a store for reading, by any number of processes, also on disks that do not support file locks.

    Raises:
        UserError: the store is missing, damaged or unreadable, on opening or within the block
    """
    try:
        # A store is never modified: a complete new one replaces it.
        with h5py.File(path, "r", locking=False) as file:
            yield file
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        raise _unreadable(error, path) from None


def _unreadable(error: Exception, path: Path) -> UserError:
    text = " ".join(str(error).split())
    place = f"{printable(path)}: not a readable store"
    if isinstance(error, FileNotFoundError):
        return UserError(f"{printable(path)}: no such store: prepare it")
    if isinstance(error, PermissionError):
        return UserError(f"{place} (no permission): change its permissions")
    cut = re.search(r"truncated file: eof = (\d+).*stored_eof = (\d+)", text)
    if cut:
        return UserError(
            f"{place} (truncated: it has {cut[1]} of {cut[2]} bytes): copy it again, or prepare it again"
        )
    if "signature not found" in text:
        return UserError(f"{place} (not an HDF5 file): prepare it again, or remove it from this folder")
    codec = re.search(r"required filter '?([\w-]+)'? is not registered", text)
    if codec:
        return UserError(
            f"{place} (compressed with {codec[1]}, which the installed h5py does not support): install "
            "hdf5plugin, or prepare it again"
        )
    if "Input/output error" in text or "Stale file handle" in text:
        return UserError(f"{place} ({text}): check the disk")
    return UserError(f"{place} (damaged: {text}): copy it again, or prepare it again")
