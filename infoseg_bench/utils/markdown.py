"""What every Markdown table of a report is made with."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence


def table(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    """Return a table; whatever the cells hold, it stays one."""
    lines = [" | ".join(map(plain, cells)) for cells in (head, ["---"] * len(head), *body)]
    return "\n".join(f"| {line} |" for line in lines)


def plain(text: str) -> str:
    """Make a name harmless in Markdown: one line, no column of its own, no HTML."""
    return html.escape(" ".join(text.split()), quote=False).replace("|", "\\|")
