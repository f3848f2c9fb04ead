"""Reads arrays of large JSON files as streams, so that COCO's 450 MB are never in memory at once."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path
from typing import Any

import ijson

from infoseg_bench.errors import UserError
from infoseg_bench.utils.disk import read_error
from infoseg_bench.utils.source_files import DAMAGED, OfficialFile, archive_error


def read_array(path: Path | OfficialFile, name: str) -> list[Any]:
    """Return one array of the file's top-level object, without reading what follows it.

    Args:
        path: JSON file in UTF-8, which may be in an archive
        name: name of the member; if there is none, an empty list is returned

    Raises:
        UserError: missing, unreadable, damaged before the end of the array, or the member is not an array
    """
    with _opened(path) as file:
        value: Any = next(ijson.items(file, name, use_float=True), [])
    if not isinstance(value, list):
        raise UserError(f"{path}: {name!r} is not an array: fetch the file again")
    return value


def stream_array(path: Path | OfficialFile, name: str) -> Iterator[Any]:
    """Yield the elements of one array of the file's top-level object, and read the file to its end.

    Raises:
        UserError: missing, unreadable or damaged
    """
    with _opened(path) as file:
        yield from ijson.items(file, f"{name}.item", use_float=True)


@contextmanager
def _opened(path: Path | OfficialFile) -> Iterator[BufferedIOBase]:
    try:
        with path.open("rb") as file:
            start = file.read(len(codecs.BOM_UTF8))
            if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                raise UserError(f"{path}: UTF-16 text: save it as UTF-8")
            if start != codecs.BOM_UTF8:
                file.seek(0)
            yield file
    except FileNotFoundError:
        raise UserError(f"{path}: no such file: check the source folder") from None
    except OSError as error:
        raise read_error(error, path) from error
    except DAMAGED as error:
        raise archive_error(error, path) from error
    except ijson.JSONError as error:
        reason = str(error).partition("\n")[0]
        raise UserError(
            f"{path}: damaged, or not COCO annotations ({reason}): fetch the file again"
        ) from None
