"""A board as CSV."""

from __future__ import annotations

import csv
import io
import json

from infoseg_bench.reporting.boards import Board
from infoseg_bench.reporting.columns import COLUMNS
from infoseg_bench.reporting.rows import Row

FIELDS = (
    "dataset",
    "protocol",
    "fingerprint",
    "row",
    "method",
    "label",
    "settings",
    "n",
    "seeds",
    *(f"{column.name}_{part}" for column in COLUMNS for part in ("mean", "std")),
    "pixel_accuracy_low",
    "pixel_accuracy_high",
    "published_pixel_accuracy",
    "published_source",
    "steps",
    "training_hours",
    "train_images_per_second",
    "peak_host_bytes",
    "peak_device_bytes",
    "label_use",
    "reference",
)


def as_csv(board: Board) -> str:
    """Return a board as CSV: shares in [0, 1], mean and standard deviation in columns of their own."""
    out = io.StringIO()
    writer = csv.DictWriter(out, FIELDS, lineterminator="\n")
    writer.writeheader()
    data = {"dataset": board.dataset, "protocol": board.protocol, "fingerprint": board.fingerprint}
    for row in board.rows:
        writer.writerow({**data, **_fields(board, row)})
    constant = {
        "method": "constant prediction",
        "pixel_accuracy_mean": board.facts.constant_pixel_accuracy,
        "reference": True,
    }
    writer.writerow({**data, **constant})
    return out.getvalue()


def _fields(board: Board, row: Row) -> dict[str, object]:
    spec, published = row.first.spec, row.published
    fields: dict[str, object] = {
        "row": row.first.row,
        "method": spec.method,
        "label": board.label(row),
        "settings": json.dumps(row.settings, sort_keys=True),
        "n": len(row.records),
        "seeds": " ".join(str(record.spec.seed) for record in row.records),
        "pixel_accuracy_low": row.interval.low,
        "pixel_accuracy_high": row.interval.high,
        "published_pixel_accuracy": published and published.pixel_accuracy,
        "published_source": published and published.source,
        "steps": row.steps,
        "training_hours": row.training_hours,
        "train_images_per_second": row.images_per_second,
        "peak_host_bytes": row.peak_host_bytes,
        "peak_device_bytes": row.peak_device_bytes,
        "label_use": row.first.label_use or "none",
        "reference": row.reference,
    }
    for column in COLUMNS:
        spread = row.spread(column.figure)
        fields[f"{column.name}_mean"] = spread.mean
        fields[f"{column.name}_std"] = spread.deviation
    return fields
