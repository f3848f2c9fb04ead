"""What every Markdown table of a report is made with."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from infoseg_bench.report.rows import Spread


def table(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    """Give a table; whatever the cells hold, it stays one."""
    lines = [" | ".join(map(plain, cells)) for cells in (head, ["---"] * len(head), *body)]
    return "\n".join(f"| {line} |" for line in lines)


def plain(text: str) -> str:
    """Make a name harmless in Markdown: one line, no column of its own, no HTML."""
    return html.escape(" ".join(text.split()), quote=False).replace("|", "\\|")


def percent(spread: Spread) -> str:
    """Write a share's mean and standard deviation in percent."""
    text = f"{100 * spread.mean:.1f}"
    return text if spread.deviation is None else f"{text} ± {100 * spread.deviation:.1f}"
