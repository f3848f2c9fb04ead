"""Downloads a file over HTTP, and resumes after interruptions."""

from __future__ import annotations

import http.client
import re
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infoseg_bench.errors import UserError
from infoseg_bench.preparation.http_request import (
    ConnectionLost,
    OutOfRangeError,
    open_address,
    reason_of,
    whole_number,
)
from infoseg_bench.utils.disk import disk_error
from infoseg_bench.utils.progress import ProgressFactory

BLOCK = 1 << 20
"""Bytes read at a time, which is also the unit of the progress; chosen by this project."""

WAITS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Seconds before each new attempt after one that received nothing; chosen by this project."""


@dataclass(frozen=True)
class _Answer:
    body: http.client.HTTPResponse
    start: int
    """Position of the first byte of the body in the file."""
    total: int | None
    """Size of the whole file, if the server says it."""


def transfer(address: str, partial: Path, *, size: int | None, progress: ProgressFactory) -> None:
    """Download a file, or the rest of it if a part has been downloaded already.

    Args:
        address: http or https address; proxies are taken from the environment
        partial: path to write to; the file is complete when this function returns
        size: size in bytes, if known
        progress: shows the progress in MiB

    Raises:
        UserError: the file does not exist, the server cannot be reached after several attempts, the size
            differs, or the disk is full
    """
    failures = 0
    while (before := _size_of(partial)) != size:
        try:
            _continue(address, partial, size, progress)
            return
        except ConnectionLost as reason:
            failures = 1 if _size_of(partial) > before else failures + 1
            if failures > len(WAITS):
                raise UserError(
                    f"{address}: {reason}: check the network, and repeat the command, which continues after "
                    f"{_size_of(partial)} bytes"
                ) from None
            time.sleep(WAITS[failures - 1])


def remote_size(address: str) -> int | None:
    """Return the size of a file in bytes; None if the server does not give it.

    Raises:
        UserError: the server cannot be reached after several attempts
    """
    for wait in (*WAITS[:3], None):
        try:
            with open_address(urllib.request.Request(address, method="HEAD"), address) as answer:
                return whole_number(answer.headers.get("Content-Length"))
        except ConnectionLost as reason:
            if wait is None:
                raise UserError(f"{address}: {reason}: check the network, or use --source") from None
            time.sleep(wait)
        except UserError:
            # Not every server supports HEAD; the download will show what is wrong.
            return None
    raise AssertionError


def _continue(address: str, partial: Path, size: int | None, progress: ProgressFactory) -> None:
    """Fetch the missing part in one attempt."""
    have = _size_of(partial)
    request = urllib.request.Request(address)
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        response = open_address(request, address)
    except OutOfRangeError as error:
        if error.total == have:
            return
        # The local file is longer than that of the server, so it is not a part of it.
        partial.unlink(missing_ok=True)
        raise ConnectionLost("what had been downloaded does not fit the file") from None
    with response:
        answer = _understood(response, have)
        total = size if answer.total is None else answer.total
        if size is not None and total != size:
            raise UserError(
                f"{address}: the server offers {total} bytes, but the official file has {size}: check for a "
                "proxy or login page, or download the file by hand and use --source"
            )
        _append(answer, partial, total, address, progress)
    arrived = _size_of(partial)
    if total is not None and arrived != total:
        raise ConnectionLost(f"the connection ended after {arrived} of {total} bytes")


def _understood(response: http.client.HTTPResponse, have: int) -> _Answer:
    length = whole_number(response.headers.get("Content-Length"))
    if response.status != 206:
        # A server without ranges sends everything again.
        return _Answer(response, 0, length)
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
    if found is None or int(found[1]) != have:
        raise ConnectionLost("the server answers with another part of the file")
    return _Answer(response, have, whole_number(found[2]))


def _append(
    answer: _Answer, partial: Path, total: int | None, address: str, progress: ProgressFactory
) -> None:
    blocks = range(-(-(total or BLOCK) // BLOCK))
    shown = iter(progress(blocks, f"downloading {partial.stem} (MiB)"))
    for _ in range(answer.start // BLOCK):
        next(shown, None)
    arrived = answer.start
    try:
        with partial.open("r+b" if answer.start else "wb") as file:
            file.seek(answer.start)
            for block in _blocks(answer.body):
                next(shown, None)
                arrived += len(block)
                if total is not None and arrived > total:
                    break
                file.write(block)
    except OSError as error:
        raise disk_error(error, partial) from error
    if total is not None and arrived > total:
        partial.unlink()
        raise UserError(f"{address}: sends more than the {total} bytes of the file: try again later")


def _blocks(body: http.client.HTTPResponse) -> Iterator[bytes]:
    while True:
        try:
            block = body.read(BLOCK)
        except (http.client.HTTPException, OSError) as error:
            raise ConnectionLost(f"the connection broke ({reason_of(error)})") from error
        if not block:
            return
        yield block


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
