"""Reading text files, and formatting of sizes, durations, counts and columns."""

from __future__ import annotations

import codecs
import textwrap
from collections.abc import Sequence
from pathlib import Path

from infoseg_bench.errors import UserError, printable
from infoseg_bench.utils.disk import read_error

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks, which programs on Windows write, and the encodings they stand for."""


def read_text(path: Path, kind: str) -> str:
    """Read a text file in UTF-8, or in UTF-16 if it begins with a byte order mark; the mark is dropped.

    Args:
        path: the file
        kind: description of the file for messages, such as "class map"

    Raises:
        UserError: the file cannot be read, or has another encoding
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise read_error(error, printable(path), f"the {kind}") from None
    return decode_text(content, path, kind)


def decode_text(content: bytes, place: object, kind: str) -> str:
    """Decode the content of a text file as `read_text` does; `place` names the file in the message.

    Raises:
        UserError: the content has another encoding
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
    """Return a number of bytes as text, such as "12.3 MiB"."""
    amount, unit = float(size), "B"
    for larger in ("KiB", "MiB", "GiB"):
        if amount < 1024:
            break
        amount, unit = amount / 1024, larger
    return f"{amount:.0f} B" if unit == "B" else f"{amount:.1f} {unit}"


def duration(seconds: float) -> str:
    """Return a duration as text, such as "45 s", "12 min", "3.5 h" or "2.1 days"."""
    if seconds < 1:
        return f"{seconds:.2g} s"
    if round(seconds) < 60:
        return f"{seconds:.0f} s"
    if round(seconds / 60) < 60:
        return f"{seconds / 60:.0f} min"
    hours = seconds / 3600
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.1f} days"


def plural(count: int, noun: str, nouns: str | None = None) -> str:
    """Return a number with its noun, such as "1 run" or "2 runs".

    Args:
        count: the number
        noun: the singular
        nouns: the plural, if it is not the singular with an s
    """
    return f"{count} {noun if count == 1 else nouns or noun + 's'}"


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of cells as lines of text, each column padded to the width of its widest cell."""
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def fitted(
    titles: Sequence[str],
    rows: Sequence[Sequence[str]],
    width: int,
    *,
    give_way: Sequence[str],
    notes: Sequence[str] = (),
) -> list[str]:
    """Return a table as lines of at most `width` characters if possible.

    Empty columns are left out, and as many of `give_way` as necessary; settings are then shown below the row.

    Args:
        titles: titles of the columns
        rows: cells of each row
        width: maximum characters per line
        give_way: titles of columns that may be left out, in this order
        notes: text below each row, or empty; none: of no row
    """
    kept = [index for index in range(len(titles)) if any(row[index] for row in rows)]
    lines = [""]
    for title in (None, *give_way):
        kept = [index for index in kept if titles[index] != title]
        lines = columns([[row[index] for index in kept] for row in (titles, *rows)])
        if max(map(len, lines)) <= width:
            break
    settings = titles.index("settings") if "settings" in titles else None
    below = [[note] if note else [] for note in notes or [""] * len(rows)]
    if settings is not None and settings not in kept:
        below = [[row[settings]] * bool(row[settings]) + text for row, text in zip(rows, below, strict=True)]
    shown = [lines[0]]
    for line, texts in zip(lines[1:], below, strict=True):
        shown.append(line)
        for text in texts:
            shown += textwrap.wrap(text, width, initial_indent="    ", subsequent_indent="    ")
    return shown
