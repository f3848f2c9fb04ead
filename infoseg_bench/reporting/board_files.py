"""The files of one board: tables, figures, and a confusion matrix per run."""

from __future__ import annotations

from infoseg_bench.reporting.ablation import ablations
from infoseg_bench.reporting.balance import balance_csv, balance_figure
from infoseg_bench.reporting.boards import Board
from infoseg_bench.reporting.confusion import confusion_csv, confusion_figure, confusion_shares_csv
from infoseg_bench.reporting.curves import curves_figure
from infoseg_bench.reporting.grid import Grid
from infoseg_bench.reporting.lead_figure import lead_figure
from infoseg_bench.reporting.leaderboard import leaderboard
from infoseg_bench.reporting.loaded_runs import Run
from infoseg_bench.reporting.output import Output
from infoseg_bench.reporting.rows import pixel_accuracy
from infoseg_bench.reporting.shown import FILE_ROWS, LINES, TABLE_ROWS, leading
from infoseg_bench.reporting.table import as_csv


def write_grid(grid: Grid, out: Output, name: str) -> None:
    """Write a table as CSV and as LaTeX; `name` is without their endings."""
    out.put(f"{name}.csv", grid.csv())
    out.put(f"{name}.tex", grid.latex())


def write_board(board: Board, out: Output) -> None:
    """Write everything about a board except its panels, into the folder of its name."""
    folder = board.name
    out.put(f"{folder}/leaderboard.csv", as_csv(board))
    out.put(f"{folder}/leaderboard.tex", leaderboard(board, narrow=True, rows=TABLE_ROWS).latex())
    out.put(f"{folder}/leaderboard.svg", lead_figure(board, leading(board, FILE_ROWS)))
    out.put(f"{folder}/balance.csv", balance_csv(board))
    out.put(f"{folder}/balance.svg", balance_figure(board, leading(board, LINES)))
    for number, study in enumerate(ablations(board), start=1):
        write_grid(study, out, f"{folder}/ablation-{number}")
    for row in board.rows:
        for run in row.runs:
            _write_tables(board, run, out)
    for row in leading(board, FILE_ROWS):
        for run in row.runs:
            _write_figure(board, run, out)
        curves = curves_figure(board, row)
        if curves:
            out.put(f"{folder}/curves/{row.first.spec.method}-{row.first.row[:6]}.svg", curves)


def _stem(board: Board, run: Run) -> str:
    spec = run.record.spec
    return f"{board.name}/confusion/{spec.method}-seed{spec.seed}-{run.record.identity[:6]}"


def _write_tables(board: Board, run: Run, out: Output) -> None:
    out.put(f"{_stem(board, run)}.csv", confusion_csv(run.counts, board.facts.classes))
    out.put(f"{_stem(board, run)}-shares.csv", confusion_shares_csv(run.counts, board.facts.classes))


def _write_figure(board: Board, run: Run, out: Output) -> None:
    record = run.record
    accuracy = f"PA {100 * pixel_accuracy(record):.1f} %"
    title = f"{record.method_title} on {board.facts.title}, seed {record.spec.seed}, {accuracy}"
    out.put(f"{_stem(board, run)}.svg", confusion_figure(run.counts, board.facts.classes, title))
