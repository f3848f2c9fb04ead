"""What a run will take: after finished runs of the same work on the same device, or after timed steps."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from infoseg_bench.errors import UserError
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.records.record import Record
from infoseg_bench.records.spec import Budget, RunSpec

SAMPLES = 20
"""Records of a method on a data set that are read at most; chosen by this project."""


@dataclass(frozen=True, kw_only=True)
class StepCost:
    """What a step of a method takes at some parameters, on crops of some size.

    Attributes:
        step: seconds of a training step
        image: seconds of predicting one image
    """

    step: float
    image: float = 0.0

    def seconds(self, budget: Budget, *, done: int, scored: int) -> float:
        """Return the seconds of what is left of a run, evaluations included."""
        return (budget.steps - done) * self.step + evaluations(budget, done) * scored * self.image


def evaluations(budget: Budget, done: int = 0) -> int:
    """Return how often a run is evaluated after step `done`, the first time at step 0."""
    return -(-budget.steps // budget.evaluate_every) - done // budget.evaluate_every + (done == 0)


class History:
    """Finished runs of a results folder, read as they are asked for."""

    def __init__(self, results: Path, folders: Collection[str], device: str | None = None) -> None:
        """Take the names of the run folders that are there.

        Args:
            results: the folder
            folders: names of the run folders
            device: model of the GPU, or of the processor, whose runs count; None: any
        """
        self._results, self._device = results, device
        self._records: dict[tuple[str, str], list[Record]] = {}
        self._folders: dict[tuple[str, str], list[str]] = defaultdict(list)
        for name in sorted(folders):
            dataset, method, *_ = [*name.split("--"), ""]
            self._folders[dataset, method].append(name)

    def seconds(self, spec: RunSpec, *, done: int) -> float | None:
        """Estimate a run's time from the median of those of the same method, parameters and data set.

        Args:
            spec: the run; its budget scales the time
            done: training steps that need not be done again

        Returns:
            seconds of one run alone; None: there is nothing to go by
        """
        alike = [record for record in self._of(spec) if record.spec.parameters == spec.parameters]
        times = [time for record in alike if (time := _scaled(record, spec, done)) is not None]
        return statistics.median(times) if times else None

    def _of(self, spec: RunSpec) -> list[Record]:
        key = spec.dataset, spec.method
        if key not in self._records:
            found = (self._read(name) for name in self._folders.get(key, []))
            self._records[key] = list(islice((record for record in found if record), SAMPLES))
        return self._records[key]

    def _read(self, name: str) -> Record | None:
        try:
            record = RunFolder(self._results / "runs" / name).record()
        except UserError:
            return None
        if record is None or record.costs is None:
            return None
        found = record.provenance.gpu or record.provenance.cpu
        return record if self._device in (None, found) else None


def _scaled(record: Record, spec: RunSpec, done: int) -> float | None:
    costs, before, now = record.costs, record.spec.budget, spec.budget
    if costs is None:
        return None
    if before is None or now is None:
        return costs.load_seconds + costs.fit_seconds + costs.evaluate_seconds
    fit = costs.fit_seconds * (now.steps - done) / before.steps
    evaluate = costs.evaluate_seconds * evaluations(now, done) / evaluations(before)
    return costs.load_seconds + fit + evaluate
