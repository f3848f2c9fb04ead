"""Estimates of a run's time, from finished runs on the same device or from timed steps."""

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
"""Maximum number of records read per method and data set; chosen by this project."""


@dataclass(frozen=True, kw_only=True)
class StepCost:
    """Measured times of a method with certain parameters and a certain crop size.

    Attributes:
        step: seconds per training step
        image: seconds to predict one image
    """

    step: float
    image: float = 0.0

    def seconds(self, budget: Budget, *, done: int, scored: int) -> float:
        """Return the estimated seconds of the rest of a run, including its evaluations.

        Args:
            budget: the run's budget
            done: training steps already done
            scored: number of images per evaluation
        """
        return (budget.steps - done) * self.step + evaluations(budget, done) * scored * self.image


def evaluations(budget: Budget, done: int = 0) -> int:
    """Return the number of evaluations after step `done`; a run is first evaluated at step 0."""
    return -(-budget.steps // budget.evaluate_every) - done // budget.evaluate_every + (done == 0)


class History:
    """Times of the finished runs in a results folder; records are read when needed."""

    def __init__(self, results: Path, folders: Collection[str], device: str | None = None) -> None:
        """Create the history of a results folder.

        Args:
            results: the folder
            folders: names of the run folders in it
            device: use only runs on this model of GPU or processor; None: all runs
        """
        self._results, self._device = results, device
        self._records: dict[tuple[str, str], list[Record]] = {}
        self._folders: dict[tuple[str, str], list[str]] = defaultdict(list)
        for name in sorted(folders):
            dataset, method, *_ = [*name.split("--"), ""]
            self._folders[dataset, method].append(name)

    def seconds(self, spec: RunSpec, *, done: int) -> float | None:
        """Return the median time of runs with the same method, parameters and data set, scaled to a budget.

        Args:
            spec: the run, with the budget to scale to
            done: training steps already done

        Returns:
            seconds, if the run has the machine to itself; None if there is no such run
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
