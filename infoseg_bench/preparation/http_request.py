"""One HTTP request, and what its failure means: lost for now, or for good."""

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
"""Answers that may be better a little later (RFC 9110)."""


class ConnectionLost(Exception):
    """The transfer stopped, and may go on."""


class OutOfRangeError(Exception):
    """The range that was asked for lies beyond the file; `total` is its size, if the server says it."""

    def __init__(self, content_range: str) -> None:
        super().__init__(content_range)
        self.total = whole_number(content_range.rpartition("/")[2])


def open_address(request: urllib.request.Request, address: str) -> http.client.HTTPResponse:
    """Send a request.

    Raises:
        ConnectionLost: nobody there, or an answer that may be better a little later
        OutOfRangeError: less is there than the range begins with
        UserError: any other answer that is no success
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
            f"{address}: the server answers {error.code} {error.reason}: fetch the file by hand and give "
            "--source"
        ) from None
    except (http.client.HTTPException, OSError) as error:
        host = urlsplit(address).hostname
        raise ConnectionLost(f"no connection to {host} ({reason_of(error)})") from error
    return answer


def reason_of(error: BaseException) -> str:
    """Describe in a few words why a connection failed."""
    inner = getattr(error, "reason", None)
    return str(getattr(inner, "strerror", None) or inner or getattr(error, "strerror", None) or error)


def whole_number(text: str | None) -> int | None:
    """Read a number of a header; None where there is none."""
    return int(text) if text is not None and text.isdecimal() else None
