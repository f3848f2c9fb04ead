"""A board as Markdown."""

from __future__ import annotations

from infoseg_bench.report.ablation import ablation_markdown
from infoseg_bench.report.boards import Board, Row
from infoseg_bench.report.columns import COLUMNS
from infoseg_bench.report.markdown import percent, plain, table
from infoseg_bench.report.published import published_logs


def markdown(board: Board) -> str:
    """Give a board as a Markdown section: facts, table, what a reader must know, and ablations."""
    head = ["method", "seeds", *(column.title for column in COLUMNS), "paper's PA", "training", "label use"]
    body = [_markdown_row(row, board.label(row)) for row in board.rows]
    body.append(_constant_row(board, len(head)))
    section = "\n".join([*_heading(board), "", table(head, body), "", *_footnotes(board)])
    ablations = ablation_markdown(board)
    return f"{section}\n\n{ablations}" if ablations else section


def _heading(board: Board) -> list[str]:
    facts = board.facts
    lines = [
        f"## {plain(facts.title)}",
        "",
        f"{len(facts.classes)} classes, {facts.train_images} photos to train on, {facts.evaluation_images} "
        f'scored on their centre {facts.crop}x{facts.crop}; protocol "{board.protocol}"; '
        f"data {board.fingerprint[:12]}.",
    ]
    return [*lines, "", f"**{plain(facts.note)}**"] if facts.note else lines


def _markdown_row(row: Row, label: str) -> list[str]:
    record = row.first
    published = row.published
    return [
        label,
        str(len(row.records)),
        *(percent(row.spread(column.figure)) for column in COLUMNS),
        f"{100 * published.pixel_accuracy:.1f}" if published else "",
        _training(row),
        record.label_use or "none",
    ]


def _constant_row(board: Board, width: int) -> list[str]:
    cells = ["constant prediction", "", f"{100 * board.facts.constant_pixel_accuracy:.1f}"]
    return cells + [""] * (width - len(cells))


def _training(row: Row) -> str:
    budget = row.first.spec.budget
    words = [f"{budget.steps} steps"] if budget else []
    if budget and row.images_per_second:
        words.append(f"{row.images_per_second:.0f} images/s")
    peak = row.peak_device_bytes or row.peak_host_bytes
    words.append(f"{peak / 2**30:.1f} GiB" if peak else "external: not known")
    return f"{', '.join(words)} (row {row.first.row[:6]})"


def _footnotes(board: Board) -> list[str]:
    notes = [
        "PA: pixel accuracy in % under one one-to-one (Hungarian) matching for all images, at the last step, "
        "mean ± sample standard deviation over the seeds; pixels of unmatched clusters are wrong, void "
        "labels alone are left out."
    ]
    sources = {(row.published.source, row.published.selection) for row in board.rows if row.published}
    notes += [f"Paper's PA: {source} ({selection})." for source, selection in sorted(sources)]
    notes += [
        f"{board.label(row)}, seed {record.spec.seed}: {plain(warning)}."
        for row in board.rows
        for record in row.records
        for warning in record.warnings
    ]
    notes += sorted({note for row in board.rows for note in _log_note(row)})
    return [f"- {note}" for note in notes]


def _log_note(row: Row) -> list[str]:
    log = published_logs().get((row.first.spec.method, row.first.spec.dataset))
    if log is None:
        return []
    return [
        f"{row.first.method_title}'s own log: best {100 * log.best:.2f} at epoch {log.best_epoch}, "
        f"chosen with labels, last {100 * log.last:.2f} at epoch {log.last_epoch}; "
        f"an epoch is {log.epoch} ({log.source}, run {log.run})."
    ]
