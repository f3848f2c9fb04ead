"""Two sets of runs side by side: how their scores differ, how sure that is, and which settings differ."""

from __future__ import annotations

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from infoseg_bench.errors import UserError
from infoseg_bench.records.differences import UNSET, Differences
from infoseg_bench.reporting.bootstrap import intervals, resample_images
from infoseg_bench.reporting.loaded_runs import Run, read_runs
from infoseg_bench.utils.text import plural

COLUMNS = [
    *("dataset", "protocol", "method", "first_seeds", "second_seeds", "first_pixel_accuracy"),
    *("second_pixel_accuracy", "difference", "low", "high", "settings"),
]
Rows = dict[tuple[str, str, str, str], dict[str, list[Run]]]
"""By data set, content, protocol and method: the runs of every row, by its name, each by seed."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """What two sets of runs have in common, and what only one of them has.

    Attributes:
        rows: a line per compared row, that is, runs of one method on the same data that differ in the seed
            alone: `dataset`, `protocol`, `method`; `first_seeds` and `second_seeds`, their numbers;
            `first_pixel_accuracy` and `second_pixel_accuracy`, means over the seeds as shares in [0, 1];
            `difference`, second minus first; `low` and `high`, the middle 95 % of the difference with the
            same images drawn for both and the seeds as they are, missing if other images were scored; and
            `settings`, in words, the settings that differ
        only_first: rows that only the first set has, in words
        only_second: rows that only the second set has, in words
        problems: a line for every record that could not be used
    """

    rows: pd.DataFrame
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]
    problems: tuple[str, ...]


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
            raise UserError(
                f"{source}: no finished and scored run to compare: give a results folder or a pack"
            )
    left, right = _rows(one), _rows(other)
    contents = {key[:2] for key in (*left, *right)}
    lines = [line for key in sorted(left.keys() & right.keys()) for line in _matched(left[key], right[key])]
    return Comparison(
        rows=pd.DataFrame(lines, columns=COLUMNS),
        only_first=_texts(left, contents),
        only_second=_texts(right, contents),
        problems=(*problems, *more_problems),
    )


def _rows(runs: Sequence[Run]) -> Rows:
    rows: Rows = defaultdict(lambda: defaultdict(list))
    label = Differences.among(run.record.spec for run in runs).label
    for run in sorted(runs, key=lambda run: run.record.spec.seed):
        spec, key = run.record.spec, label(run.record.spec, run.record.method_title)
        rows[spec.dataset, spec.fingerprint, spec.protocol, spec.method][key].append(run)
    return rows


def _matched(left: dict[str, list[Run]], right: dict[str, list[Run]]) -> list[tuple[Any, ...]]:
    """Compare the nearest rows with each other, and remove them from both sides."""
    found = []
    pairs = {(one, other): _differing(left[one][0], right[other][0]) for one in left for other in right}
    for (one, other), settings in sorted(pairs.items(), key=lambda pair: (len(pair[1]), pair[0])):
        if one in left and other in right:
            found.append(_compared(one, left.pop(one), right.pop(other), settings))
    return found


def _differing(one: Run, other: Run) -> list[str]:
    ours, theirs = one.record.spec.settings, other.record.spec.settings
    values = {name: (ours.get(name, UNSET), theirs.get(name, UNSET)) for name in {**ours, **theirs}}
    return [f"{name}: {mine} -> {yours}" for name, (mine, yours) in values.items() if mine != yours]


def _compared(name: str, first: Sequence[Run], second: Sequence[Run], settings: list[str]) -> tuple[Any, ...]:
    """Return a line of the table, in the order of `COLUMNS`."""
    spec, runs = first[0].record.spec, [*first, *second]
    one, other = (statistics.fmean(run.record.pixel_accuracy for run in side) for side in (first, second))
    low = high = math.nan
    if len({len(run.pixels) for run in runs}) == 1:
        drawn = resample_images([run.correct for run in runs], [run.pixels for run in runs])
        low, high = intervals(drawn[len(first) :].mean(axis=0) - drawn[: len(first)].mean(axis=0))
    seeds = len(first), len(second)
    return spec.dataset, spec.protocol, name, *seeds, one, other, other - one, low, high, ", ".join(settings)


def _texts(rows: Rows, contents: Collection[tuple[str, str]]) -> tuple[str, ...]:
    """Return rows in words; `contents` are data sets with their contents, which tell them apart."""
    names = Counter(dataset for dataset, _ in contents)
    return tuple(
        f"{dataset}{f' (data {content[:8]})' if names[dataset] > 1 else ''} {name}, "
        f"{plural(len(runs), 'seed')}, protocol {protocol}"
        for (dataset, content, protocol, _), left in sorted(rows.items())
        for name, runs in sorted(left.items())
    )
