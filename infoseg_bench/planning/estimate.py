"""What a run will take, after finished runs of the same method on the same data."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Collection
from itertools import islice
from pathlib import Path

from infoseg_bench.errors import UserError
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.records.record import Record
from infoseg_bench.records.spec import RunSpec

SAMPLES = 20
"""Records of a method on a data set that are read at most; chosen by this project."""


class History:
    """Finished runs of a results folder, read as they are asked for."""

    def __init__(self, results: Path, folders: Collection[str]) -> None:
        """Take the names of the run folders that are there."""
        self._results = results
        self._records: dict[tuple[str, str], list[Record]] = {}
        self._folders: dict[tuple[str, str], list[str]] = defaultdict(list)
        for name in sorted(folders):
            dataset, method, *_ = [*name.split("--"), ""]
            self._folders[dataset, method].append(name)

    def seconds(self, spec: RunSpec, *, done: int) -> float | None:
        """Estimate a run's time from the median of those like it, of the same parameters if there are.

        Args:
            spec: the run; its budget scales the time
            done: training steps that need not be done again

        Returns:
            seconds of one run alone; None: there is nothing to go by
        """
        records = self._of(spec.dataset, spec.method)
        alike = [record for record in records if record.spec.parameters == spec.parameters] or records
        times = [time for record in alike if (time := _scaled(record, spec, done)) is not None]
        return statistics.median(times) if times else None

    def _of(self, dataset: str, method: str) -> list[Record]:
        key = dataset, method
        if key not in self._records:
            found = (self._read(name) for name in self._folders.get(key, []))
            self._records[key] = list(islice((record for record in found if record), SAMPLES))
        return self._records[key]

    def _read(self, name: str) -> Record | None:
        try:
            record = RunFolder(self._results / "runs" / name).record()
        except UserError:
            return None
        return record if record is not None and record.costs is not None else None


def _scaled(record: Record, spec: RunSpec, done: int) -> float | None:
    costs, before, now = record.costs, record.spec.budget, spec.budget
    if costs is None:
        return None
    work = costs.fit_seconds + costs.evaluate_seconds
    if before is None or now is None:
        return costs.load_seconds + work
    return costs.load_seconds + work * (now.steps - done) / before.steps
