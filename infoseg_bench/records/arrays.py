"""Reads arrays from untrusted NPZ files: nothing is unpickled, and memory use is limited."""

from __future__ import annotations

import io
import math
import struct
import zipfile
import zlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from infoseg_bench.errors import UserError, reason
from infoseg_bench.utils.text import readable_size

LARGEST = 4 << 30
"""Largest uncompressed size of a file's arrays in bytes, because a small archive could otherwise fill the
memory; chosen by this project. The counts of COCO-Stuff's 123 287 photos with 60 clusters and 27 classes take
3.2e9 bytes."""
DAMAGED = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError)
"""Exceptions of the standard library for archives that are damaged, encrypted or of an unknown kind."""


def load_arrays(
    content: bytes | None,
    names: Sequence[str],
    source: Path,
    kind: str,
    *,
    optional: Sequence[str] = (),
    unread: Sequence[str] = (),
) -> dict[str, np.ndarray]:
    """Read arrays from the content of an NPZ file.

    Args:
        content: content of the file; None: there is no such file
        names: names of the arrays
        source: where the content comes from, for messages
        kind: what the arrays are, for messages, such as "counts"
        optional: names of further arrays, which are returned if they exist
        unread: names of further arrays that must exist, but are not unpacked

    Raises:
        UserError: the file is missing, damaged or too large
    """
    try:
        if content is None:
            raise ValueError("no such file")
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(member.file_size for member in archive.infolist()) > LARGEST:
                raise ValueError(f"more than {readable_size(LARGEST)}")
            if missing := {f"{name}.npy" for name in unread} - set(archive.namelist()):
                raise ValueError(f"{missing.pop()} is missing")
            members = {f"{name}.npy": name for name in names}
            members |= {f"{name}.npy": name for name in optional if f"{name}.npy" in archive.namelist()}
            return {name: _array(archive.read(member)) for member, name in members.items()}
    # A damaged archive can fail in many ways.
    except (OSError, EOFError, KeyError, TypeError, ValueError, MemoryError, struct.error, *DAMAGED) as error:
        raise UserError(
            f"{source}: not readable {kind} ({reason(error)}): repeat the run with --force"
        ) from None


def _array(content: bytes) -> np.ndarray:
    """Parse an NPY file; `numpy.load` does the same, at several times the cost for small arrays.

    Raises:
        ValueError: damaged, or an array of Python objects
    """
    version = npy.read_magic(io.BytesIO(content[:8]))
    size = struct.Struct("<H" if version == (1, 0) else "<I")
    start = 8 + size.size + size.unpack_from(content, 8)[0]
    shape, fortran_order, dtype = _header(content[8:start], version)
    if dtype.hasobject:
        raise ValueError("an array of Python objects")
    values = np.frombuffer(content, dtype, count=math.prod(shape), offset=start)
    return values.reshape(shape, order="F" if fortran_order else "C")


@lru_cache
def _header(content: bytes, version: tuple[int, int]) -> tuple[tuple[int, ...], bool, np.dtype]:
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran_order, dtype = read(io.BytesIO(content))
    if min(shape, default=0) < 0:
        raise ValueError(f"a shape of {shape}")
    return shape, fortran_order, dtype
