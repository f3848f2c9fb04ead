"""A web server on the loopback that serves one file, and misbehaves as it is told to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Server:
    """What it serves and has been asked.

    Attributes:
        content: of the file
        address: of the file
        behaviours: one per coming GET, then "serve" for good: "serve", "drop" (half of it), "ignore-range",
            a status such as "503", "few" (the end is missing, and the length says so), "many", "wrong",
            "shifted" (another range than was asked for)
        ranges: the Range header of every GET, or None
    """

    content: bytes
    address: str = ""
    behaviours: list[str] = field(default_factory=list)
    ranges: list[str | None] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next_behaviour(self, asked: str | None) -> str:
        with self.lock:
            self.ranges.append(asked)
            return self.behaviours.pop(0) if self.behaviours else "serve"


@contextmanager
def serving(content: bytes, *behaviours: str) -> Iterator[Server]:
    """Serve `content` until the block ends."""
    state = Server(content, behaviours=list(behaviours))

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(state.content)))
            self.end_headers()

        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            _answer(self, state, state.next_behaviour(asked), asked)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.address = f"http://127.0.0.1:{server.server_port}/file.zip"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _answer(handler: BaseHTTPRequestHandler, state: Server, behaviour: str, asked: str | None) -> None:
    start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
    content = state.content
    if behaviour.isdecimal():
        handler.send_response(int(behaviour))
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return
    if asked and start >= len(content) and behaviour != "ignore-range":
        handler.send_response(416)
        handler.send_header("Content-Range", f"bytes */{len(content)}")
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return
    content = _changed(content, behaviour)
    if behaviour == "ignore-range":
        asked, start = None, 0
    handler.send_response(206 if asked else 200)
    if asked:
        first = start + (behaviour == "shifted")
        handler.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
    handler.send_header("Content-Length", str(len(content) - start))
    handler.end_headers()
    rest = content[start:]
    handler.wfile.write(rest[: len(rest) // 2] if behaviour == "drop" else rest)


def _changed(content: bytes, behaviour: str) -> bytes:
    if behaviour == "few":
        return content[:-10]
    if behaviour == "many":
        return content + b"more"
    if behaviour == "wrong":
        return bytes(byte ^ 255 for byte in content)
    return content
