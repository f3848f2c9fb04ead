"""Boards and galleries on a terminal of 80 characters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

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


def print_board(board: Board, console: Console | None = None) -> None:
    """Print a board: its title, who leads, the table, and what must be known to read it."""
    whole = leaderboard(board, rows=ROWS)
    shown = whole.shown.filter([*HEADS]).map(clean)
    shown["mean IoU"] = shown["mean IoU"].str.partition(" ")[0]
    shown["95 % interval"] = shown["95 % interval"].str.replace(" to ", "–")  # noqa: RUF001
    table = _table({name: HEADS[name] for name in HEADS if name in shown})
    for place, line in enumerate(shown.to_numpy()):
        constant = not any(whole.tags[place])
        table.add_row(
            *map(Text, line), style="italic" if constant else "bold" if place in whole.best else None
        )
    more = len(board.rows) - ROWS
    texts = [headline(board), *warnings(board), *run_warnings(board, len(board.rows)), summary(board)]
    texts += [f"{more} more rows are in leaderboard.md."] if more > 0 else []
    _print(f"{board.title}, protocol {board.protocol}", table, texts, console)


def print_gallery(gallery: Gallery, console: Console | None = None) -> None:
    """Print what was segmented, and the sizes of every run's clusters."""
    sizes = readable_sizes(gallery).rename(columns={"NMI between seeds": "NMI", "ARI between seeds": "ARI"})
    table = _table({str(name): str(name) for name in sizes})
    for line in sizes.to_numpy():
        table.add_row(*(Text(clean(cell)) for cell in line))
    note = "Nothing is scored; NMI and ARI are the agreement between seeds."
    _print(gallery.summary, table, [note], console)


def _table(heads: Mapping[str, str]) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    for name, head in heads.items():
        text = name in LEAST
        table.add_column(
            head, justify="left" if text else "right", no_wrap=not text, overflow="fold",
            min_width=LEAST.get(name),
        )  # fmt: skip
    return table


def _print(title: str, table: Table, texts: Iterable[str], console: Console | None) -> None:
    console = console or Console(soft_wrap=False)
    if not console.is_terminal:
        console = Console(width=WIDTH, file=console.file)
    width = min(WIDTH, console.width)
    console.print(Text(f"\n{clean(title)}", "bold underline"), width=width)
    console.print(table, width=width)
    for text in texts:
        console.print(Text(clean(text)), width=width)
