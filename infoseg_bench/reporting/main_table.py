"""The layout of InfoSeg's Table 1: methods by data sets, the papers' figures beside the measured ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from infoseg_bench.reporting.boards import Board
from infoseg_bench.reporting.grid import Grid
from infoseg_bench.reporting.published import published_figures, published_layout
from infoseg_bench.reporting.rows import Row, percent, pixel_accuracy

NOTES = (
    "Measured: PA in % at the last step, mean ± sample standard deviation over the seeds.",
    "Paper: as printed in InfoSeg's Table 1, where IIC's are of the best epoch, chosen with labels.",
    "All settings of every line are in each board's CSV; they may differ between data sets.",
)


def main_tables(boards: Sequence[Board]) -> list[Grid]:
    """Return a table per protocol; boards of different content of one data set are columns of their own."""
    protocols = sorted({board.protocol for board in boards})
    return [_grid(protocol, [one for one in boards if one.protocol == protocol]) for protocol in protocols]


def _grid(protocol: str, boards: list[Board]) -> Grid:
    order = list(published_layout()[1])
    boards.sort(key=lambda one: (order.index(one.dataset) if one.dataset in order else 99, one.name))
    head = [title for board in boards for title in _titles(board, boards)]
    return Grid(
        title=f"Methods by data sets, protocol {protocol}",
        head=("method", *head),
        body=(*_measured(boards), *_not_run(boards), _constant(boards)),
        notes=NOTES,
    )


def _titles(board: Board, boards: list[Board]) -> list[str]:
    several = sum(other.dataset == board.dataset for other in boards) > 1
    title = f"{board.facts.title} ({board.fingerprint[:8]})" if several else board.facts.title
    return [title, "paper"] if _published(board) else [title]


def _published(board: Board) -> bool:
    return board.dataset in published_layout()[1]


def _measured(boards: list[Board]) -> list[tuple[str, ...]]:
    lines: dict[str, dict[str, Row]] = {}
    for board in boards:
        for row in board.rows:
            lines.setdefault(_line(board, row), {})[board.name] = row
    order = list(published_layout()[0])

    def place(name: str) -> tuple[int, str]:
        method = next(iter(lines[name].values())).first.spec.method
        return (order.index(method) if method in order else len(order), name)

    return [
        (name, *(cell for board in boards for cell in _cells(board, lines[name].get(board.name))))
        for name in sorted(lines, key=place)
    ]


def _line(board: Board, row: Row) -> str:
    budget = f", {row.steps} steps" if row.steps else ""
    labels = f", uses labels: {row.first.label_use}" if row.first.label_use else ""
    return f"{board.label(row)}{budget}{labels}"


def _cells(board: Board, row: Row | None) -> list[str]:
    measured = percent(row.spread(pixel_accuracy)) if row else ""
    return (
        [measured, _paper(board, row.first.spec.method if row else None)] if _published(board) else [measured]
    )


def _paper(board: Board, method: str | None) -> str:
    figure = published_figures().get((method or "", board.dataset))
    return f"{100 * figure.pixel_accuracy:.1f}" if figure else ""


def _not_run(boards: list[Board]) -> Iterable[tuple[str, ...]]:
    """Return the paper's lines of methods that none of these boards has."""
    if not any(map(_published, boards)):
        return
    run = {row.first.spec.method for board in boards for row in board.rows}
    for method, title in published_layout()[0].items():
        if method not in run:
            pairs = (
                ["not run", _paper(board, method)] if _published(board) else ["not run"] for board in boards
            )
            yield (title, *(cell for pair in pairs for cell in pair))


def _constant(boards: list[Board]) -> tuple[str, ...]:
    shares = ((f"{100 * board.facts.constant_pixel_accuracy:.1f}", _published(board)) for board in boards)
    cells = ([share, ""] if published else [share] for share, published in shares)
    return ("constant prediction", *(cell for pair in cells for cell in pair))
