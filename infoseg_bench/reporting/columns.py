"""What stands on every board: scores, and what a row took."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from infoseg_bench.records.record import Evaluation, FinishedRecord
from infoseg_bench.reporting.boards import Board
from infoseg_bench.reporting.rows import Row, best_pixel_accuracy, percent, pixel_accuracy

BEST_TITLE = "PA, best step (chosen with labels)"
INTERVAL_TITLE = "95 % interval"


class Column(NamedTuple):
    """One score of every row: title, name in the CSV, and how it is read from a record."""

    title: str
    name: str
    figure: Callable[[FinishedRecord], float]


def _last(figure: Callable[[Evaluation], float]) -> Callable[[FinishedRecord], float]:
    return lambda record: figure(record.last)


COLUMNS = (
    Column("PA", "pixel_accuracy", pixel_accuracy),
    Column(BEST_TITLE, "best_pixel_accuracy", best_pixel_accuracy),
    Column("mean IoU", "mean_iou", _last(lambda e: e.one_to_one.mean_iou)),
    Column("mean class accuracy", "mean_class_accuracy", _last(lambda e: e.one_to_one.mean_class_accuracy)),
    Column(
        "PA, majority vote (many-to-one)",
        "majority_pixel_accuracy",
        _last(lambda e: e.majority.pixel_accuracy),
    ),
    Column("NMI", "normalized_mutual_information", _last(lambda e: e.normalized_mutual_information)),
    Column("ARI", "adjusted_rand_index", _last(lambda e: e.adjusted_rand_index)),
)


def cells(board: Board, row: Row) -> dict[str, str]:
    """Return every cell of a row as it is shown: column title to text, empty where nothing is known."""
    low, high = row.interval
    scores = {column.title: percent(row.spread(column.figure)) for column in COLUMNS}
    return {
        "method": board.label(row) + (" (reference)" if row.reference else ""),
        "seeds": str(len(row.records)),
        "PA": scores.pop("PA"),
        INTERVAL_TITLE: f"{100 * low:.1f} to {100 * high:.1f}",
        BEST_TITLE: scores.pop(BEST_TITLE),
        "paper's PA": f"{100 * row.published.pixel_accuracy:.1f}" if row.published else "",
        **scores,
        **_costs(row),
        "protocol": board.protocol,
        "label use": row.first.label_use or "none",
        "row": row.first.row[:6],
    }


def _costs(row: Row) -> dict[str, str]:
    hours, rate = row.training_hours, row.images_per_second
    device, host = row.peak_device_bytes, row.peak_host_bytes
    peak = device or host
    unknown = "external: not known" if row.first.spec.external else ""
    return {
        "steps": str(row.steps or ""),
        "training hours": "" if hours is None else "<0.001" if hours < 0.001 else f"{hours:.2g}",
        "images/s": f"{rate:.0f}" if rate else "",
        "peak memory": f"{peak / 2**30:.1f} GiB{' (GPU)' if device else ''}" if peak else unknown,
    }


def constant_cells(board: Board) -> dict[str, str]:
    """Return the cells of the reference row that predicts the most frequent class everywhere."""
    return {"method": "constant prediction", "PA": f"{100 * board.facts.constant_pixel_accuracy:.1f}"}
