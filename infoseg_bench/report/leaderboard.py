"""Leaderboards: a board as Markdown and as CSV."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Callable
from typing import NamedTuple

from infoseg_bench.report.boards import Board, Row, Spread, pixel_accuracy
from infoseg_bench.runs.record import Evaluation, Record


class Column(NamedTuple):
    """One figure of every row: title, CSV name, how it is read from a record, and its unit."""

    title: str
    name: str
    figure: Callable[[Record], float]
    unit: str


def _last(figure: Callable[[Evaluation], float]) -> Callable[[Record], float]:
    return lambda record: figure(_present(record.last))


def _present(evaluation: Evaluation | None) -> Evaluation:
    assert evaluation is not None
    return evaluation


COLUMNS = (
    Column("PA", "pixel_accuracy", pixel_accuracy, "%"),
    Column(
        "PA, best step (chosen with labels)",
        "best_pixel_accuracy",
        lambda record: _present(record.best).one_to_one.pixel_accuracy,
        "%",
    ),
    Column("mean IoU", "mean_iou", _last(lambda e: e.one_to_one.mean_iou), "%"),
    Column(
        "mean class accuracy", "mean_class_accuracy", _last(lambda e: e.one_to_one.mean_class_accuracy), "%"
    ),
    Column(
        "PA, majority vote (many-to-one)",
        "majority_pixel_accuracy",
        _last(lambda e: e.majority.pixel_accuracy),
        "%",
    ),
    Column("NMI", "normalized_mutual_information", _last(lambda e: e.normalized_mutual_information), "%"),
    Column("ARI", "adjusted_rand_index", _last(lambda e: e.adjusted_rand_index), "%"),
)


def markdown(board: Board) -> str:
    """Give a board as a Markdown section: facts, table, and what a reader must know."""
    head = ["method", "seeds", *(column.title for column in COLUMNS), "paper's PA", "training", "label use"]
    body = [_markdown_row(row) for row in board.rows]
    body.append(_constant_row(board, len(head)))
    lines = [" | ".join(map(plain, cells)) for cells in (head, ["---"] * len(head), *body)]
    return "\n".join([*_heading(board), "", *(f"| {line} |" for line in lines), "", *_footnotes(board)])


def as_csv(board: Board) -> str:
    """Give a board as CSV: shares in [0, 1], mean and standard deviation in columns of their own."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    figures = [f"{column.name}_{part}" for column in COLUMNS for part in ("mean", "std")]
    writer.writerow(
        [
            "dataset",
            "protocol",
            "fingerprint",
            "row",
            "method",
            "n",
            "seeds",
            *figures,
            "published_pixel_accuracy",
            "published_source",
            "steps",
            "train_images_per_second",
            "peak_host_bytes",
            "peak_device_bytes",
            "label_use",
        ]
    )
    for row in board.rows:
        writer.writerow(_csv_row(board, row))
    constant = ["constant prediction", "", "", board.facts.constant_pixel_accuracy]
    writer.writerow([board.dataset, board.protocol, board.fingerprint, "", *constant])
    return out.getvalue()


def plain(text: str) -> str:
    """Make a name harmless in Markdown: one line, no column of its own, no HTML."""
    return html.escape(" ".join(text.split()), quote=False).replace("|", "\\|")


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


def _markdown_row(row: Row) -> list[str]:
    record = row.first
    published = row.published
    return [
        record.method_title,
        str(len(row.records)),
        *(_percent(row.spread(column.figure)) for column in COLUMNS),
        f"{100 * published.pixel_accuracy:.1f}" if published else "",
        _training(row),
        record.label_use or "none",
    ]


def _constant_row(board: Board, width: int) -> list[str]:
    cells = ["constant prediction", "", f"{100 * board.facts.constant_pixel_accuracy:.1f}"]
    return cells + [""] * (width - len(cells))


def _percent(spread: Spread) -> str:
    text = f"{100 * spread.mean:.1f}"
    return text if spread.deviation is None else f"{text} ± {100 * spread.deviation:.1f}"


def _training(row: Row) -> str:
    record = row.first
    words = [f"{record.spec.budget.steps} steps"] if record.spec.budget else []
    rates = [rate for one in row.records if one.costs and (rate := one.costs.train_images_per_second)]
    if rates and record.spec.budget:
        words.append(f"{sum(rates) / len(rates):.0f} images/s")
    peaks = [one.costs.peak_device_bytes or one.costs.peak_host_bytes for one in row.records if one.costs]
    words.append(f"{max(peaks) / 2**30:.1f} GiB")
    return f"{', '.join(words)} (row {record.row[:6]})"


def _footnotes(board: Board) -> list[str]:
    notes = [
        "PA: pixel accuracy in % under one one-to-one (Hungarian) matching for all images, at the last step, "
        "mean ± sample standard deviation over the seeds; pixels of unmatched clusters are wrong, void "
        "labels alone are left out."
    ]
    sources = {(row.published.source, row.published.selection) for row in board.rows if row.published}
    notes += [f"Paper's PA: {source} ({selection})." for source, selection in sorted(sources)]
    return [f"- {note}" for note in notes]


def _csv_row(board: Board, row: Row) -> list[object]:
    record, published = row.first, row.published
    figures: list[object] = []
    for column in COLUMNS:
        spread = row.spread(column.figure)
        figures += [spread.mean, "" if spread.deviation is None else spread.deviation]
    costs = record.costs
    assert costs is not None
    return [
        board.dataset,
        board.protocol,
        board.fingerprint,
        record.row,
        record.spec.method,
        len(row.records),
        " ".join(str(one.spec.seed) for one in row.records),
        *figures,
        published.pixel_accuracy if published else "",
        published.source if published else "",
        record.spec.budget.steps if record.spec.budget else "",
        costs.train_images_per_second or "",
        costs.peak_host_bytes,
        costs.peak_device_bytes or "",
        record.label_use or "none",
    ]
