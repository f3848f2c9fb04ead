"""One CSV file per run: a row per step, a column per value."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from infoseg_bench.loggers.logger import RunLog
from infoseg_bench.records.spec import RunSpec
from infoseg_bench.utils.atomic import write_text


class CsvLogger:
    """Writes `NAME-OF-RUN.csv` files into a folder."""

    def __init__(self, place: str) -> None:
        """Create the logger; `place` is the folder for the files."""
        self._out = Path(place)

    def open(self, spec: RunSpec) -> RunLog:
        """Start the file of a run."""
        return _CsvFile(self._out / f"{spec.folder}.csv")


class _CsvFile:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows: dict[int, dict[str, float]] = {}

    def add(self, step: int, values: Mapping[str, float]) -> None:
        self._rows.setdefault(step, {}).update(values)

    def flush(self) -> None:
        # The whole file is written again, because a new value, such as the accuracy, adds a column.
        columns = dict.fromkeys(name for row in self._rows.values() for name in row)
        text = io.StringIO()
        writer = csv.DictWriter(text, ["step", *columns], lineterminator="\n")
        writer.writeheader()
        writer.writerows({"step": step, **row} for step, row in sorted(self._rows.items()))
        write_text(self._path, text.getvalue())

    def close(self, state: str) -> None:
        self.flush()
