"""The scores that stand on every board."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from infoseg_bench.report.boards import best_pixel_accuracy, pixel_accuracy
from infoseg_bench.runs.record import Evaluation, Record


class Column(NamedTuple):
    """One score of every row: title, name in the CSV, and how it is read from a record."""

    title: str
    name: str
    figure: Callable[[Record], float]


def _last(figure: Callable[[Evaluation], float]) -> Callable[[Record], float]:
    return lambda record: figure(_present(record.last))


def _present(evaluation: Evaluation | None) -> Evaluation:
    assert evaluation is not None
    return evaluation


COLUMNS = (
    Column("PA", "pixel_accuracy", pixel_accuracy),
    Column("PA, best step (chosen with labels)", "best_pixel_accuracy", best_pixel_accuracy),
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
