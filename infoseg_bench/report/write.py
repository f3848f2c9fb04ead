"""Writing a report: one index, and a folder per board."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from infoseg_bench.atomic import write_atomic, write_text
from infoseg_bench.errors import UserError
from infoseg_bench.report.audit import read_counts
from infoseg_bench.report.boards import Board, make_boards, pixel_accuracy, read_records
from infoseg_bench.report.confusion import confusion_csv, confusion_figure
from infoseg_bench.report.leaderboard import markdown
from infoseg_bench.report.table import as_csv
from infoseg_bench.runs.folder import RunFolder
from infoseg_bench.runs.record import Record


@dataclass(frozen=True)
class Report:
    """What was written: the Markdown file to open first, and its boards."""

    index: Path
    boards: tuple[Board, ...]


def write_report(results: Path, out: Path) -> Report:
    """Write leaderboards and confusion matrices of every finished run below `results` into `out`.

    A record that cannot be read, or does not follow from its counts, is left out and named.

    Raises:
        UserError: no finished run, or `out` cannot be written
    """
    records, problems = read_records(results)
    boards = tuple(make_boards(records))
    if not boards and not problems:
        raise UserError(
            f"no finished run in {results}: infoseg-bench run makes them, --results names another folder"
        )
    for board in boards:
        write_text(out / board.name / "leaderboard.csv", as_csv(board))
        _write_confusions(board, results, out / board.name / "confusion")
    index = out / "leaderboard.md"
    write_text(index, _index(boards, problems))
    return Report(index, boards)


def _index(boards: Iterable[Board], problems: Iterable[str]) -> str:
    parts = ["# Leaderboards"]
    for board in boards:
        parts.append(markdown(board))
        table, matrices = f"{board.name}/leaderboard.csv", f"{board.name}/confusion"
        parts.append(f"Files: [{table}]({table}), confusion matrices in [{matrices}]({matrices}).")
    left_out = [f"- {line}" for line in problems]
    if left_out:
        parts.append("\n".join(["## Left out", "", *left_out]))
    return "\n\n".join(parts) + "\n"


def _write_confusions(board: Board, results: Path, folder: Path) -> None:
    for row in board.rows:
        for record in row.records:
            _write_confusion(record, results, folder)


def _write_confusion(record: Record, results: Path, folder: Path) -> None:
    assert record.dataset is not None
    counts = read_counts(RunFolder.of(results, record.spec).counts_file)["last"]
    classes = record.dataset.classes
    stem = f"{record.spec.method}-seed{record.spec.seed}-{record.identity[:6]}"
    accuracy = f"PA {100 * pixel_accuracy(record):.1f} %"
    title = f"{record.method_title} on {record.dataset.title}, seed {record.spec.seed}, {accuracy}"
    write_text(folder / f"{stem}.csv", confusion_csv(counts, classes))
    write_atomic(folder / f"{stem}.png", lambda handle: confusion_figure(counts, classes, title, handle))
