"""Markdown tables for reports."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence


def table(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; the text of cells is escaped."""
    lines = [" | ".join(map(plain, cells)) for cells in (head, ["---"] * len(head), *body)]
    return "\n".join(f"| {line} |" for line in lines)


def plain(text: str) -> str:
    """Return text as one line in which HTML and column separators are escaped."""
    return html.escape(" ".join(text.split()), quote=False).replace("|", "\\|")
