"""Arrays in NPZ files that others may have made: nothing is unpickled, and nothing fills the memory."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from infoseg_bench.errors import UserError, reason
from infoseg_bench.utils.text import readable_size

LARGEST = 4 << 30
"""Bytes of a file's arrays, uncompressed, beyond which they are refused: a small archive could fill the
memory. The counts of COCO-Stuff's 123 287 photos with 60 clusters and 27 classes take 3.2e9; chosen by this
project."""
DAMAGED = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError)
"""What the standard library raises for archives that are damaged, encrypted or of an unknown kind."""


def load_arrays(
    content: bytes | None, names: Sequence[str], source: Path, kind: str, optional: Sequence[str] = ()
) -> dict[str, np.ndarray]:
    """Read arrays from the content of an NPZ file.

    Args:
        content: of the file; None: there is no such file
        names: of the arrays
        source: where the content comes from, for messages
        kind: what the arrays are, for messages, such as "counts"
        optional: of further arrays, returned where they are there

    Raises:
        UserError: absent, damaged or too large
    """
    try:
        if content is None:
            raise ValueError("no such file")
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(member.file_size for member in archive.infolist()) > LARGEST:
                raise ValueError(f"more than {readable_size(LARGEST)}")
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in (*names, *(name for name in optional if name in arrays))}
    # A damaged archive fails in whatever way the damage happens to hit.
    except (OSError, EOFError, KeyError, TypeError, ValueError, MemoryError, *DAMAGED) as error:
        raise UserError(
            f"{source}: not readable {kind} ({reason(error)}): repeat the run with --force"
        ) from None
