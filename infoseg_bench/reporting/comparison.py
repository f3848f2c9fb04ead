"""Two sets of runs side by side: how their scores differ, how sure that is, and which settings differ."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from infoseg_bench.errors import UserError
from infoseg_bench.records.differences import UNSET
from infoseg_bench.reporting.bootstrap import intervals, resample_images
from infoseg_bench.reporting.loaded_runs import Run, read_runs
from infoseg_bench.utils.text import plural


class Interval(NamedTuple):
    """The middle 95 % of the draws."""

    low: float
    high: float


Key = tuple[str, str, str, str]
Rows = dict[Key, dict[str, list[Run]]]


@dataclass(frozen=True, kw_only=True, eq=False)
class ComparedRow:
    """The runs of one method on the same data, seeds averaged, in two sets of runs.

    Attributes:
        first: runs of the first set, by seed
        second: runs of the second set, by seed
        settings: setting to its values in the first and in the second set; only where they differ
        interval: middle 95 % of the second set's mean PA minus the first's, with the same images drawn for
            both and the seeds as they are; None: other images were scored
    """

    first: tuple[Run, ...]
    second: tuple[Run, ...]
    settings: dict[str, tuple[object, object]]
    interval: Interval | None

    @property
    def means(self) -> tuple[float, float]:
        """Mean PA of the first and of the second set."""
        one, other = (
            statistics.fmean(run.record.pixel_accuracy for run in runs) for runs in (self.first, self.second)
        )
        return one, other

    @property
    def difference(self) -> float:
        """Mean PA of the second set minus that of the first."""
        one, other = self.means
        return other - one

    @property
    def differing_settings(self) -> str:
        """The settings that differ, in words; empty: none."""
        return ", ".join(f"{name}: {one} -> {other}" for name, (one, other) in self.settings.items())


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """What two sets of runs have in common, and what only one of them has.

    Attributes:
        rows: by data set and method
        only_first: rows that only the first set has, in words
        only_second: rows that only the second set has, in words
        problems: a line for every record that could not be used
    """

    rows: tuple[ComparedRow, ...]
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]
    problems: tuple[str, ...]

    def table(self) -> pd.DataFrame:
        """Return a row for every compared row; PA and its differences are fractions."""
        return pd.DataFrame([_cells(row) for row in self.rows])


def compare_runs(first: Path, second: Path) -> Comparison:
    """Compare the finished runs of two results folders or packs.

    Rows of one method on the same data are compared with each other: those of the same settings first, then
    those that differ in the fewest.

    Raises:
        UserError: one of them has no finished run
    """
    (one, problems), (other, more_problems) = read_runs(first), read_runs(second)
    for source, runs in ((first, one), (second, other)):
        if not runs:
            raise UserError(f"{source}: no finished run to compare: give a results folder or a pack")
    left, right = _rows(one), _rows(other)
    rows: list[ComparedRow] = []
    for key in sorted(left.keys() & right.keys()):
        rows += _matched(left[key], right[key])
    return Comparison(
        rows=tuple(rows),
        only_first=_words(left),
        only_second=_words(right),
        problems=(*problems, *more_problems),
    )


def _rows(runs: Iterable[Run]) -> Rows:
    rows: Rows = defaultdict(lambda: defaultdict(list))
    for run in sorted(runs, key=lambda run: run.record.spec.seed):
        spec = run.record.spec
        rows[spec.dataset, spec.fingerprint, spec.protocol, spec.method][run.record.row].append(run)
    return rows


def _matched(left: dict[str, list[Run]], right: dict[str, list[Run]]) -> list[ComparedRow]:
    """Pair rows with each other and remove them from both sides."""
    found = []
    distances = {(one, other): _differing(left[one][0], right[other][0]) for one in left for other in right}
    for (one, other), settings in sorted(distances.items(), key=lambda item: (len(item[1]), item[0])):
        if one in left and other in right:
            found.append(_compared(left.pop(one), right.pop(other), settings))
    return found


def _differing(one: Run, other: Run) -> dict[str, tuple[object, object]]:
    ours, theirs = one.record.spec.settings, other.record.spec.settings
    values = {name: (ours.get(name, UNSET), theirs.get(name, UNSET)) for name in {**ours, **theirs}}
    return {name: pair for name, pair in values.items() if pair[0] != pair[1]}


def _compared(
    first: Sequence[Run], second: Sequence[Run], settings: dict[str, tuple[object, object]]
) -> ComparedRow:
    runs = [*first, *second]
    alike = len({len(run.pixels) for run in runs}) == 1
    return ComparedRow(
        first=tuple(first),
        second=tuple(second),
        settings=settings,
        interval=_interval(runs, len(first)) if alike else None,
    )


def _interval(runs: Sequence[Run], first: int) -> Interval:
    drawn = resample_images([run.correct for run in runs], [run.pixels for run in runs])
    low, high = intervals(drawn[first:].mean(axis=0) - drawn[:first].mean(axis=0))
    return Interval(float(low), float(high))


def _words(rows: Rows) -> tuple[str, ...]:
    return tuple(
        f"{dataset} {runs[0].record.method_title}, {plural(len(runs), 'seed')}, protocol {protocol}"
        for (dataset, _, protocol, _), left in sorted(rows.items())
        for runs in left.values()
    )


def _cells(row: ComparedRow) -> dict[str, object]:
    record = row.first[0].record
    one, other = row.means
    return {
        "dataset": record.spec.dataset,
        "protocol": record.spec.protocol,
        "method": record.method_title,
        "first_seeds": len(row.first),
        "second_seeds": len(row.second),
        "first_pixel_accuracy": one,
        "second_pixel_accuracy": other,
        "difference": row.difference,
        "low": row.interval.low if row.interval else None,
        "high": row.interval.high if row.interval else None,
        "settings": row.differing_settings,
    }
