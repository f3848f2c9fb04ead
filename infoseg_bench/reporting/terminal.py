"""Boards and galleries on a terminal of 80 characters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from infoseg_bench.reporting.boards import Board
from infoseg_bench.reporting.drawing import clean
from infoseg_bench.reporting.gallery import Gallery, readable_sizes
from infoseg_bench.reporting.lead import headline
from infoseg_bench.reporting.leaderboard import leaderboard, run_warnings, summary, warnings

ROWS = 20
"""Rows that are printed at most; chosen by this project."""
WIDTH = 80
HEADS = {
    "rank": "#", "method": "method", "PA": "PA in %", "95 % interval": "95 %", "mean IoU": "mean IoU",
    "seeds": "seeds", "steps": "steps", "note": "note",
}  # fmt: skip
"""What is printed of a leaderboard: columns and their heads."""
LEAST = {"method": 18, "note": 11}
"""Columns of text, which are broken into lines, and their least widths."""
GIVE_WAY = (
    *("mean IoU", "95 %", "seeds", "entropy", "ARI", "NMI", "steps", "seed", "note"),
    *("clusters in use", "run", "#"),
)
"""Columns that are left out, in this order, if a line is too short."""


def print_board(board: Board, console: Console | None = None) -> None:
    """Print a board: its title, who leads, the table, and what must be known to read it."""
    whole = leaderboard(board, rows=ROWS)
    shown = whole.shown.filter([*HEADS]).map(clean)
    shown["mean IoU"] = shown["mean IoU"].str.partition(" ")[0]
    shown["95 % interval"] = shown["95 % interval"].str.replace(" to ", "–")  # noqa: RUF001
    styles = [
        "bold" if place in whole.best else "" if any(tags) else "italic"
        for place, tags in enumerate(whole.tags)
    ]
    more = len(board.rows) - ROWS
    texts = [headline(board), *warnings(board), *run_warnings(board, len(board.rows)), summary(board)]
    texts += [f"{more} more rows are in leaderboard.md."] if more > 0 else []
    title = f"{board.title}, protocol {board.protocol}"
    _print(title, shown.rename(columns=HEADS), styles, texts, console)


def print_gallery(gallery: Gallery, console: Console | None = None) -> None:
    """Print what was segmented, and the sizes of every run's clusters."""
    sizes = readable_sizes(gallery).rename(columns={"NMI between seeds": "NMI", "ARI between seeds": "ARI"})
    note = "Nothing is scored; NMI and ARI are the agreement between seeds."
    _print(gallery.summary, sizes.map(clean), [""] * len(sizes), [note], console)


def _print(
    title: str, cells: pd.DataFrame, styles: Iterable[str], texts: Iterable[str], console: Console | None
) -> None:
    console = console or Console(soft_wrap=False)
    if not console.is_terminal:
        console = Console(width=WIDTH, file=console.file)
    width = min(WIDTH, console.width)
    widths = _widths({str(name): max(map(cell_len, [str(name), *cells[name]])) for name in cells}, width)
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    for name, wide in widths.items():
        table.add_column(name, justify="left" if name in LEAST else "right", overflow="fold", width=wide)
    for line, style in zip(cells[[*widths]].to_numpy(), styles, strict=True):
        table.add_row(*map(Text, line), style=style)
    left_out = ", ".join(str(name) for name in cells if name not in widths)
    console.print(Text(f"\n{clean(title)}", "bold underline"), width=width)
    console.print(table, width=width)
    for text in (*texts, *([f"The terminal is too narrow for: {left_out}."] if left_out else [])):
        console.print(Text(clean(text)), width=width)


def _widths(whole: Mapping[str, int], width: int) -> dict[str, int]:
    """Return the widths of the columns that fit without cutting a number; others are left out.

    Args:
        whole: the widths that the columns need to show every cell on one line
        width: of a line, with a blank after every column
    """
    widths = {name: min(wide, LEAST.get(name, wide)) for name, wide in whole.items()}
    for name in GIVE_WAY:
        if sum(widths.values()) + len(widths) <= width:
            break
        widths.pop(name, None)
    for _ in range(width - sum(widths.values()) - len(widths)):
        broken = [name for name in widths if widths[name] < whole[name]]
        if broken:
            widths[min(broken, key=widths.__getitem__)] += 1
    return widths
