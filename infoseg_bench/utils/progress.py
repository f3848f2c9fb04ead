"""Progress of long work: a bar on a terminal, and plain lines elsewhere."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeVar, runtime_checkable

Item = TypeVar("Item")

PLAIN_INTERVAL = 10.0
"""Minimum seconds between two plain lines; chosen by this project."""


@runtime_checkable
class ProgressFactory(Protocol):
    """Wraps a sequence so that its progress is shown."""

    def __call__(self, items: Sequence[Item], title: str) -> Iterable[Item]:
        """Return the same items, and show their progress under `title`."""


def can_redraw() -> bool:
    """Return whether standard error is a terminal on which lines can be drawn anew."""
    return sys.stderr.isatty() and os.environ.get("TERM", "").lower() not in ("dumb", "unknown")


def show_progress(items: Sequence[Item], title: str) -> Iterator[Item]:
    """Yield the items and show progress on standard error: a bar on a terminal, else plain lines."""
    if can_redraw():
        from rich.console import Console
        from rich.progress import track

        yield from track(items, description=title, console=Console(stderr=True), transient=True)
    else:
        yield from _plain(items, title, lambda line: print(line, file=sys.stderr, flush=True))


def no_progress(items: Sequence[Item], title: str) -> Iterable[Item]:
    """Return the items and show nothing."""
    return items


def _plain(items: Sequence[Item], title: str, write: Callable[[str], None]) -> Iterator[Item]:
    last = time.monotonic()
    for done, item in enumerate(items):
        now = time.monotonic()
        if now - last >= PLAIN_INTERVAL:
            write(f"{title}: {done} of {len(items)}")
            last = now
        yield item
