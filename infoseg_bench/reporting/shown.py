"""What of a large board is shown, and what is left to its CSV files."""

from __future__ import annotations

from infoseg_bench.reporting.boards import Board
from infoseg_bench.reporting.rows import Row

TABLE_ROWS = 200
"""Rows of a table in Markdown and on the page; chosen by this project."""
FILE_ROWS = 50
"""Rows that get figures in files of their own; chosen by this project."""
PAGE_ROWS = 8
"""Rows that get figures on the page; chosen by this project: more make it long on a phone."""
LINES = 5
"""Rows that share one figure; chosen by this project: more cannot be told apart."""


def leading(board: Board, number: int) -> list[Row]:
    """Return the best row of every method, then the next best, `number` at most, the highest PA first."""
    best: dict[str, Row] = {}
    for row in board.rows:
        best.setdefault(row.first.spec.method, row)
    others = [row for row in board.rows if best[row.first.spec.method] is not row]
    chosen = {id(row) for row in [*best.values(), *others][:number]}
    return [row for row in board.rows if id(row) in chosen]


def left_out(board: Board) -> str:
    """Return which rows are shown nowhere but in the CSV files; empty if all are shown."""
    parts = [
        f"{what} of {len(board.rows) - most} more rows are left out"
        for what, most in (("tables", TABLE_ROWS), ("figures", PAGE_ROWS))
        if len(board.rows) > most
    ]
    return f"Of {len(board.rows)} rows: {', '.join(parts)}; leaderboard.csv has every row." if parts else ""
