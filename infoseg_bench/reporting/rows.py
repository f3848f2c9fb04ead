"""Rows: runs that differ in nothing but the seed, averaged."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float64

from infoseg_bench.records.record import Costs, FinishedRecord
from infoseg_bench.reporting.bootstrap import Interval, interval
from infoseg_bench.reporting.loaded_runs import Run
from infoseg_bench.reporting.published import PublishedFigure, published_figures, reference_methods


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation over seeds; None for a single seed."""

    mean: float
    deviation: float | None

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Summarise values of different seeds."""
        numbers = list(values)
        return cls(statistics.fmean(numbers), statistics.stdev(numbers) if len(numbers) > 1 else None)


@dataclass(frozen=True, kw_only=True, eq=False)
class Row:
    """Runs that differ in nothing but the seed.

    Attributes:
        runs: by seed
        resamples: PA of every bootstrap draw, as a share
    """

    runs: tuple[Run, ...]
    resamples: Float64[np.ndarray, " resample"]

    @property
    def records(self) -> tuple[FinishedRecord, ...]:
        """The runs' records, by seed."""
        return tuple(run.record for run in self.runs)

    @property
    def first(self) -> FinishedRecord:
        """The record of the lowest seed."""
        return self.runs[0].record

    @cached_property
    def interval(self) -> Interval:
        """Bootstrap interval of the mean PA."""
        return interval(self.resamples)

    @property
    def reference(self) -> bool:
        """Whether it is an untrained method that others are measured against."""
        return self.first.spec.method in reference_methods()

    @property
    def training_hours(self) -> float | None:
        """Mean time of the fits, evaluations left out; None where it is not known."""
        return statistics.fmean(one.fit_seconds for one in self.costs) / 3600 if self.costs else None

    @property
    def steps(self) -> int | None:
        """Training steps; None for a method that does not train by steps."""
        budget = self.first.spec.budget
        return budget.steps if budget else None

    def spread(self, figure: Callable[[FinishedRecord], float]) -> Spread:
        """Summarise one figure over the seeds."""
        return Spread.of(figure(record) for record in self.records)

    @property
    def images_per_second(self) -> float | None:
        """Mean rate of the fits, over the seeds; None for a method that looks at no image."""
        rates = [rate for one in self.costs if (rate := one.train_images_per_second)]
        return statistics.fmean(rates) if rates else None

    @property
    def peak_host_bytes(self) -> int | None:
        """Largest resident memory of any seed's worker; None for an external row."""
        return max((one.peak_host_bytes for one in self.costs), default=None)

    @property
    def peak_device_bytes(self) -> int | None:
        """Largest GPU memory of any seed; None without a GPU."""
        return max((one.peak_device_bytes or 0 for one in self.costs), default=0) or None

    @property
    def costs(self) -> list[Costs]:
        """What every seed took."""
        return [record.costs for record in self.records if record.costs is not None]

    @property
    def settings(self) -> dict[str, object]:
        """All that tells this row from others of its method: parameters, budget, version."""
        return self.first.spec.settings

    @property
    def published(self) -> PublishedFigure | None:
        """What the paper has for this method on this data set."""
        return published_figures().get((self.first.spec.method, self.first.spec.dataset))


def pixel_accuracy(record: FinishedRecord) -> float:
    """Return the headline: PA of the last state."""
    return record.pixel_accuracy


def best_pixel_accuracy(record: FinishedRecord) -> float:
    """Return PA at the step where it was highest, which only labels can tell."""
    return record.best.one_to_one.pixel_accuracy


def percent(spread: Spread) -> str:
    """Write a share's mean and standard deviation in percent."""
    text = f"{100 * spread.mean:.1f}"
    return text if spread.deviation is None else f"{text} ± {100 * spread.deviation:.1f}"
