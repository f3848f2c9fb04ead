"""Boards: the finished runs of one data set, seeds averaged."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from infoseg_bench.errors import UserError
from infoseg_bench.report.audit import audit
from infoseg_bench.report.published import PublishedFigure, published_figures
from infoseg_bench.runs.folder import RunFolder
from infoseg_bench.runs.record import Costs, DatasetFacts, Record


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


@dataclass(frozen=True, kw_only=True)
class Row:
    """Runs that differ in nothing but the seed."""

    records: tuple[Record, ...]

    @property
    def first(self) -> Record:
        """The record of the lowest seed."""
        return self.records[0]

    def spread(self, figure: Callable[[Record], float]) -> Spread:
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
        spec = self.first.spec
        budget = spec.budget.model_dump() if spec.budget else {}
        return {**spec.parameters, **budget, "version": spec.method_version}

    @property
    def published(self) -> PublishedFigure | None:
        """What the paper has for this method on this data set."""
        return published_figures().get((self.first.spec.method, self.first.spec.dataset))


@dataclass(frozen=True, kw_only=True)
class Board:
    """All rows that may be compared: the same pixels, labels and protocol."""

    dataset: str
    fingerprint: str
    protocol: str
    facts: DatasetFacts
    rows: tuple[Row, ...]

    @property
    def name(self) -> str:
        """Name for a folder; the fingerprint tells subsets of the same data set apart."""
        return f"{self.dataset}--{self.protocol}--{self.fingerprint[:8]}"

    def label(self, row: Row) -> str:
        """Name a row: its method, and the settings that it does not share with most rows of that method."""
        rows = [other.settings for other in self.rows if other.first.spec.method == row.first.spec.method]
        told = [
            f"{name}={row.settings.get(name, 'unset')}"
            for name in dict.fromkeys(name for settings in rows for name in settings)
            if 2 * sum(_same_setting(name, row.settings, other) for other in rows) <= len(rows)
        ]
        return f"{row.first.method_title} ({', '.join(told)})" if told else row.first.method_title


def read_records(results: Path) -> tuple[list[Record], list[str]]:
    """Read every finished run's record below a results folder.

    Returns:
        the records, and a line for every one that cannot be used
    """
    records, problems = [], []
    for path in sorted((results / "runs").glob("*/record.json")):
        try:
            folder = RunFolder(path.parent)
            record = folder.record()
            if record is not None and record.status == "finished":
                audit(folder, record)
                records.append(record)
        except UserError as error:
            problems.append(str(error))
    return records, problems


def make_boards(records: Iterable[Record]) -> list[Board]:
    """Put records into rows and rows into boards, the best PA first."""
    groups: dict[tuple[str, str, str], dict[str, list[Record]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        spec = record.spec
        groups[spec.dataset, spec.fingerprint, spec.protocol][record.row].append(record)
    return [
        _board(key, [sorted(row, key=lambda record: record.spec.seed) for row in rows.values()])
        for key, rows in sorted(groups.items())
    ]


def pixel_accuracy(record: Record) -> float:
    """Give the headline: PA of the last state."""
    assert record.last is not None
    return record.last.one_to_one.pixel_accuracy


def best_pixel_accuracy(record: Record) -> float:
    """Give PA at the step where it was highest, which only labels can tell."""
    assert record.best is not None
    return record.best.one_to_one.pixel_accuracy


def _same_setting(name: str, one: dict[str, object], other: dict[str, object]) -> bool:
    return (name in one, one.get(name)) == (name in other, other.get(name))


def _board(key: tuple[str, str, str], groups: list[list[Record]]) -> Board:
    rows = [Row(records=tuple(group)) for group in groups]
    rows.sort(key=lambda row: (-row.spread(pixel_accuracy).mean, row.first.row))
    facts = rows[0].first.dataset
    assert facts is not None
    return Board(dataset=key[0], fingerprint=key[1], protocol=key[2], facts=facts, rows=tuple(rows))
