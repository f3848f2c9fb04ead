"""A board as Markdown, and as the grid that LaTeX and the page show too."""

from __future__ import annotations

from infoseg_bench.reporting.ablation import ablations
from infoseg_bench.reporting.boards import Board
from infoseg_bench.reporting.columns import cells, constant_cells
from infoseg_bench.reporting.grid import Grid
from infoseg_bench.reporting.lead import headline
from infoseg_bench.reporting.published import published_logs, reference_methods
from infoseg_bench.reporting.rows import Row, Spread, percent
from infoseg_bench.reporting.shown import TABLE_ROWS
from infoseg_bench.utils.markdown import plain

NARROW = ("PA, majority vote (many-to-one)", "NMI", "ARI", "protocol", "row")
"""Columns that the narrow form leaves to the CSV; the protocol stands above the table."""


def markdown(board: Board) -> str:
    """Return a board as a Markdown section: facts, table, what a reader must know, and ablations."""
    above = [
        plain(summary(board)),
        plain(headline(board)),
        *(f"**{plain(text)}**" for text in warnings(board)),
    ]
    title, _, rest = leaderboard(board, rows=TABLE_ROWS).markdown(2).partition("\n\n")
    return "\n\n".join([title, *above, rest, *(study.markdown() for study in ablations(board))])


def leaderboard(board: Board, *, narrow: bool = False, rows: int | None = None) -> Grid:
    """Return a board as a grid, with the constant prediction as its last row.

    Args:
        board: the board
        narrow: leave out the columns in `NARROW`
        rows: how many to show at most; None: all
    """
    shown = [cells(board, row) for row in board.rows[:rows]]
    titles = tuple(title for title in shown[0] if not (narrow and title in NARROW))
    shown.append(constant_cells(board))
    body = tuple(tuple(row.get(title, "") for title in titles) for row in shown)
    return Grid(title=board.facts.title, head=titles, body=body, notes=tuple(_notes(board, rows)))


def summary(board: Board) -> str:
    """Describe what the board is of."""
    data = board.facts
    return (
        f"{len(data.classes)} classes, {data.train_images} photos to train on, {data.evaluation_images} "
        f'scored on their centre {data.crop}x{data.crop}; protocol "{board.protocol}"; '
        f"data {board.fingerprint[:12]}."
    )


def warnings(board: Board) -> list[str]:
    """Describe what must be read before any figure: the data's own note, and budgets that differ."""
    lines = [board.facts.note] if board.facts.note else []
    if len(board.steps) > 1:
        steps = ", ".join(map(str, board.steps))
        lines.append(f"Budgets differ ({steps} steps): rows of different steps do not rank their methods.")
    return lines


def _notes(board: Board, rows: int | None) -> list[str]:
    notes = [
        "PA: pixel accuracy in % under one one-to-one (Hungarian) matching for all images, at the last step, "
        "mean ± sample standard deviation over the seeds; pixels of unmatched clusters are wrong, void "
        "labels alone are left out.",
        "95 % interval: bootstrap over evaluation images and, where there are several, over seeds; the "
        "matching is held. With one seed it is of the images alone, with two or three it is too narrow.",
    ]
    sources = {(row.published.source, row.published.selection) for row in board.rows if row.published}
    notes += [f"Paper's PA: {source} ({selection})." for source, selection in sorted(sources)]
    if any(row.first.label_use for row in board.rows):
        notes.append('Rows whose label use is not "none" used that label information in training.')
    missing = reference_methods() - {row.first.spec.method for row in board.rows}
    notes += [f"Reference row {name}: not run." for name in sorted(missing)]
    data = {warning for row in board.rows for warning in row.first.dataset.warnings}
    notes += [f"Data: {warning}." for warning in sorted(data)]
    notes += [
        f"{board.label(row)}, seed {record.spec.seed}: {warning}."
        for row in board.rows[:rows]
        for record in row.records
        for warning in record.warnings
    ]
    notes += [_selected_note(board, row) for row in board.rows[:rows] if _is_selected(row)]
    if rows is not None and len(board.rows) > rows:
        notes.append(f"The {rows} rows of highest PA of {len(board.rows)}; leaderboard.csv has every row.")
    return notes + sorted({note for row in board.rows for note in _log_note(row)})


def _is_selected(row: Row) -> bool:
    return all(record.selected is not None for record in row.records)


def _selected_note(board: Board, row: Row) -> str:
    chosen = [record.selected for record in row.records if record.selected is not None]
    steps = ", ".join(str(one.step) for one in chosen)
    scores = percent(Spread.of(one.one_to_one.pixel_accuracy for one in chosen))
    return (
        f"{board.label(row)}: PA {scores} at the steps that were selected without labels, by "
        f"{chosen[0].selection}: {steps}."
    )


def _log_note(row: Row) -> list[str]:
    log = published_logs().get((row.first.spec.method, row.first.spec.dataset))
    if log is None:
        return []
    return [
        f"{row.first.method_title}'s own log: best {100 * log.best:.2f} at epoch {log.best_epoch}, "
        f"chosen with labels, last {100 * log.last:.2f} at epoch {log.last_epoch}; "
        f"an epoch is {log.epoch} ({log.source}, run {log.run})."
    ]
