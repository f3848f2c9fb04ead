"""A board on a terminal: eight columns in 80 characters."""

from __future__ import annotations

from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from infoseg_bench.reporting.boards import Board
from infoseg_bench.reporting.drawing import clean
from infoseg_bench.reporting.lead import headline
from infoseg_bench.reporting.leaderboard import leaderboard, run_warnings, summary, warnings

ROWS = 20
"""Rows that are printed at most; chosen by this project."""
WIDTH = 80
COLUMNS: dict[str, tuple[str, JustifyMethod]] = {
    "rank": ("#", "right"),
    "method": ("method", "left"),
    "PA": ("PA in %", "right"),
    "95 % interval": ("95 %", "right"),
    "mean IoU": ("mean IoU", "right"),
    "seeds": ("seeds", "right"),
    "steps": ("steps", "right"),
    "note": ("note", "left"),
}
"""What is printed of a leaderboard: column to its head and alignment."""
LEAST = {"method": 18, "note": 11}
"""Columns that are broken into lines, and their least widths."""


def print_board(board: Board, console: Console | None = None) -> None:
    """Print a board: its title, who leads, the table, and what must be known to read it."""
    console = console or Console(soft_wrap=False)
    if not console.is_terminal:
        console = Console(width=WIDTH, file=console.file)
    whole = leaderboard(board, rows=ROWS).shown
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    shown = [name for name in COLUMNS if name in whole]
    for name in shown:
        head, justify = COLUMNS[name]
        table.add_column(
            head,
            justify=justify,
            no_wrap=name not in LEAST,
            overflow="fold",
            min_width=LEAST.get(name),
        )
    for line in whole[shown].to_dict("records"):
        constant = line["method"] == "constant prediction"
        cells = [_short(name, clean(str(line[name]))) for name in shown]
        table.add_row(
            *map(Text, cells), style="italic" if constant else "bold" if line["rank"] == "1" else None
        )
    console.print()
    console.print(
        Text(
            f"{clean(board.facts.title)}, protocol {board.protocol}, data {board.fingerprint[:8]}",
            "bold underline",
        )
    )
    console.print(table, width=min(WIDTH, console.width))
    for text in [headline(board), *warnings(board), *run_warnings(board, len(board.rows)), summary(board)]:
        console.print(Text(clean(text)), width=min(WIDTH, console.width))
    if len(board.rows) > ROWS:
        console.print(Text(f"{len(board.rows) - ROWS} more rows are in leaderboard.md."))


def _short(column: str, text: str) -> str:
    if column == "mean IoU":
        return text.partition(" ")[0]
    return text.replace(" to ", "–") if column == "95 % interval" else text  # noqa: RUF001
