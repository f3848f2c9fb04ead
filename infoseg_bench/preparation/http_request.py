"""HTTP requests, whose errors distinguish temporary from permanent failures."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from importlib.metadata import version
from urllib.parse import urlsplit

from infoseg_bench.errors import UserError

TIMEOUT = 60.0
"""Seconds without a byte after which a connection counts as lost; chosen by this project."""

TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Status codes of temporary failures (RFC 9110)."""


class ConnectionLost(Exception):
    """The transfer stopped, and may be resumed."""


class OutOfRangeError(Exception):
    """The requested range is beyond the end of the file; `total` is its size, if the server gives it."""

    def __init__(self, content_range: str) -> None:
        super().__init__(content_range)
        self.total = whole_number(content_range.rpartition("/")[2])


def open_address(request: urllib.request.Request, address: str) -> http.client.HTTPResponse:
    """Send a request.

    Raises:
        ConnectionLost: the server cannot be reached, or reports a temporary failure
        OutOfRangeError: the file ends before the requested range
        UserError: the server reports any other failure
    """
    request.add_header("User-Agent", f"infoseg-bench/{version('infoseg-bench')}")
    request.add_header("Accept-Encoding", "identity")
    try:
        answer: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416:
            raise OutOfRangeError(error.headers.get("Content-Range", "")) from None
        if error.code in TRANSIENT:
            raise ConnectionLost(f"the server answers {error.code} {error.reason}") from None
        raise UserError(
            f"{address}: the server answers {error.code} {error.reason}: download the file by hand and use "
            "--source"
        ) from None
    except (http.client.HTTPException, OSError) as error:
        host = urlsplit(address).hostname
        raise ConnectionLost(f"no connection to {host} ({reason_of(error)})") from error
    return answer


def reason_of(error: BaseException) -> str:
    """Return a short text that says why a connection failed."""
    inner = getattr(error, "reason", None)
    return str(getattr(inner, "strerror", None) or inner or getattr(error, "strerror", None) or error)


def whole_number(text: str | None) -> int | None:
    """Return a number from a header; None if there is none."""
    return int(text) if text is not None and text.isdecimal() else None
