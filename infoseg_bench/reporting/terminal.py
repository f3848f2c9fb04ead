"""A board on a terminal: eight columns in 80 characters."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from infoseg_bench.reporting.boards import Board
from infoseg_bench.reporting.drawing import clean
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


def print_board(board: Board, console: Console | None = None) -> None:
    """Print a board: its title, who leads, the table, and what must be known to read it."""
    console = console or Console(soft_wrap=False)
    if not console.is_terminal:
        console = Console(width=WIDTH, file=console.file)
    width = min(WIDTH, console.width)
    title = f"{clean(board.title)}, protocol {board.protocol}"
    console.print(Text(f"\n{title}", "bold underline"))
    console.print(_table(board), width=width)
    for text in [headline(board), *warnings(board), *run_warnings(board, len(board.rows)), summary(board)]:
        console.print(Text(clean(text)), width=width)
    if len(board.rows) > ROWS:
        console.print(Text(f"{len(board.rows) - ROWS} more rows are in leaderboard.md."))


def _table(board: Board) -> Table:
    whole = leaderboard(board, rows=ROWS)
    shown = whole.shown.filter([*HEADS]).map(clean)
    shown["mean IoU"] = shown["mean IoU"].str.partition(" ")[0]
    shown["95 % interval"] = shown["95 % interval"].str.replace(" to ", "–")  # noqa: RUF001
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    for name in filter(shown.__contains__, HEADS):
        text = name in LEAST
        table.add_column(
            HEADS[name], justify="left" if text else "right", no_wrap=not text, overflow="fold",
            min_width=LEAST.get(name),
        )  # fmt: skip
    for place, line in enumerate(shown.to_numpy()):
        constant = not any(whole.tags[place])
        table.add_row(
            *map(Text, line), style="italic" if constant else "bold" if place in whole.best else None
        )
    return table
