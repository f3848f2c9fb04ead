"""A board as CSV."""

from __future__ import annotations

import csv
import io

from infoseg_bench.report.boards import Board, Row
from infoseg_bench.report.columns import COLUMNS

FIELDS = (
    "dataset",
    "protocol",
    "fingerprint",
    "row",
    "method",
    "label",
    "n",
    "seeds",
    *(f"{column.name}_{part}" for column in COLUMNS for part in ("mean", "std")),
    "published_pixel_accuracy",
    "published_source",
    "steps",
    "train_images_per_second",
    "peak_host_bytes",
    "peak_device_bytes",
    "label_use",
)


def as_csv(board: Board) -> str:
    """Give a board as CSV: shares in [0, 1], mean and standard deviation in columns of their own."""
    out = io.StringIO()
    writer = csv.DictWriter(out, FIELDS, lineterminator="\n")
    writer.writeheader()
    data = {"dataset": board.dataset, "protocol": board.protocol, "fingerprint": board.fingerprint}
    for row in board.rows:
        writer.writerow({**data, **_fields(board, row)})
    constant = {"method": "constant prediction", "pixel_accuracy_mean": board.facts.constant_pixel_accuracy}
    writer.writerow({**data, **constant})
    return out.getvalue()


def _fields(board: Board, row: Row) -> dict[str, object]:
    spec, published = row.first.spec, row.published
    fields: dict[str, object] = {
        "row": row.first.row,
        "method": spec.method,
        "label": board.label(row),
        "n": len(row.records),
        "seeds": " ".join(str(record.spec.seed) for record in row.records),
        "published_pixel_accuracy": published and published.pixel_accuracy,
        "published_source": published and published.source,
        "steps": spec.budget and spec.budget.steps,
        "train_images_per_second": row.images_per_second,
        "peak_host_bytes": row.peak_host_bytes,
        "peak_device_bytes": row.peak_device_bytes,
        "label_use": row.first.label_use or "none",
    }
    for column in COLUMNS:
        spread = row.spread(column.figure)
        fields[f"{column.name}_mean"] = spread.mean
        fields[f"{column.name}_std"] = spread.deviation
    return fields
