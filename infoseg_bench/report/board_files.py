"""The files of one board: tables, figures, and a confusion matrix per run."""

from __future__ import annotations

from pathlib import Path
from typing import IO

from infoseg_bench.atomic import write_atomic
from infoseg_bench.report.ablation import ablations
from infoseg_bench.report.balance import balance_csv, balance_figure
from infoseg_bench.report.boards import Board, pixel_accuracy
from infoseg_bench.report.confusion import confusion_csv, confusion_figure, confusion_shares_csv
from infoseg_bench.report.curves import curves_figure
from infoseg_bench.report.evidence import Run
from infoseg_bench.report.grid import Grid
from infoseg_bench.report.lead_figure import lead_figure
from infoseg_bench.report.leaderboard import leaderboard
from infoseg_bench.report.shown import FILE_ROWS, LINES, TABLE_ROWS, leading
from infoseg_bench.report.table import as_csv


def put(path: Path, content: str | bytes) -> Path:
    """Write a file that can be made again at any time, so that nobody waits for the disk."""
    whole = content.encode() if isinstance(content, str) else content

    def write(handle: IO[bytes]) -> None:
        handle.write(whole)

    write_atomic(path, write, durable=False)
    return path


def write_grid(grid: Grid, path: Path) -> None:
    """Write a table as CSV and as LaTeX; `path` is without their endings."""
    put(path.with_name(f"{path.name}.csv"), grid.csv())
    put(path.with_name(f"{path.name}.tex"), grid.latex())


def write_board(board: Board, folder: Path) -> None:
    """Write everything about a board except its panels."""
    put(folder / "leaderboard.csv", as_csv(board))
    put(folder / "leaderboard.tex", leaderboard(board, narrow=True, rows=TABLE_ROWS).latex())
    put(folder / "leaderboard.svg", lead_figure(board, leading(board, FILE_ROWS)))
    put(folder / "balance.csv", balance_csv(board))
    put(folder / "balance.svg", balance_figure(board, leading(board, LINES)))
    for number, study in enumerate(ablations(board), start=1):
        write_grid(study, folder / f"ablation-{number}")
    for row in board.rows:
        for run in row.runs:
            _write_tables(board, run, folder / "confusion")
    for row in leading(board, FILE_ROWS):
        for run in row.runs:
            _write_figure(board, run, folder / "confusion")
        curves = curves_figure(board, row)
        if curves:
            put(folder / "curves" / f"{row.first.spec.method}-{row.first.row[:6]}.svg", curves)


def _stem(run: Run) -> str:
    spec = run.record.spec
    return f"{spec.method}-seed{spec.seed}-{run.record.identity[:6]}"


def _write_tables(board: Board, run: Run, folder: Path) -> None:
    put(folder / f"{_stem(run)}.csv", confusion_csv(run.counts, board.facts.classes))
    put(folder / f"{_stem(run)}-shares.csv", confusion_shares_csv(run.counts, board.facts.classes))


def _write_figure(board: Board, run: Run, folder: Path) -> None:
    record = run.record
    accuracy = f"PA {100 * pixel_accuracy(record):.1f} %"
    title = f"{record.method_title} on {board.facts.title}, seed {record.spec.seed}, {accuracy}"
    put(folder / f"{_stem(run)}.svg", confusion_figure(run.counts, board.facts.classes, title))
