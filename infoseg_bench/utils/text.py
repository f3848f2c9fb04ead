"""Text: files of it, and sizes and durations for people."""

from __future__ import annotations

import codecs
from pathlib import Path

from infoseg_bench.errors import UserError, printable

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""How a text file of Windows begins, and how it is read then."""


def read_text(path: Path, kind: str) -> str:
    """Read a text file in UTF-8, or in UTF-16 if it begins with a byte order mark; the mark is dropped.

    Args:
        path: of the file
        kind: what the file is, for messages, such as "class map"

    Raises:
        UserError: it cannot be read, or is in another encoding
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"{printable(path)}: the {kind} cannot be read ({error.strerror}): check the path"
        ) from None
    return decode_text(content, path, kind)


def decode_text(content: bytes, place: object, kind: str) -> str:
    """Decode the content of a text file as `read_text` does; `place` begins the message.

    Raises:
        UserError: it is in another encoding
    """
    encoding = next((name for mark, name in BYTE_ORDER_MARKS if content.startswith(mark)), "utf-8")
    try:
        return content.decode(encoding).replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{printable(place)}: the {kind} is not UTF-8 text (byte {content[error.start]:#04x} at position "
            f"{error.start}): save it as UTF-8"
        ) from None


def readable_size(size: int) -> str:
    """Put a number of bytes into words, such as "12.3 MiB"."""
    amount, unit = float(size), "B"
    for larger in ("KiB", "MiB", "GiB"):
        if amount < 1024:
            break
        amount, unit = amount / 1024, larger
    return f"{amount:.0f} B" if unit == "B" else f"{amount:.1f} {unit}"


def duration(seconds: float) -> str:
    """Write a time for people, in two units at most."""
    minutes, hours = seconds / 60, seconds / 3600
    if minutes < 1:
        return f"{seconds:.0f} s"
    if hours < 1:
        return f"{minutes:.0f} min"
    return f"{hours:.1f} h"
