"""Boards: the finished runs of one data set, seeds averaged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from infoseg_bench.records.differences import Differences
from infoseg_bench.records.record import DatasetFacts
from infoseg_bench.reporting.bootstrap import resampled
from infoseg_bench.reporting.loaded_runs import Run
from infoseg_bench.reporting.rows import Row, pixel_accuracy


@dataclass(frozen=True, kw_only=True, eq=False)
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

    @property
    def steps(self) -> list[int]:
        """The different lengths of training on this board."""
        return sorted({row.steps for row in self.rows if row.steps is not None})

    def label(self, row: Row) -> str:
        """Name a row: its method, and the settings that it does not share with most rows of that method."""
        told = self._differences.words(row.first.spec)
        return f"{row.first.method_title} ({told})" if told else row.first.method_title

    @cached_property
    def _differences(self) -> Differences:
        return Differences.among(row.first.spec for row in self.rows)


def make_boards(runs: Iterable[Run]) -> list[Board]:
    """Put runs into rows and rows into boards, the best PA first."""
    groups: dict[tuple[str, str, str], dict[str, list[Run]]] = defaultdict(lambda: defaultdict(list))
    for run in runs:
        spec = run.record.spec
        groups[spec.dataset, spec.fingerprint, spec.protocol][run.record.row].append(run)
    return [
        _board(key, [sorted(row, key=lambda run: run.record.spec.seed) for row in rows.values()])
        for key, rows in sorted(groups.items())
    ]


def _board(key: tuple[str, str, str], groups: list[list[Run]]) -> Board:
    rows = [
        Row(runs=tuple(group), resamples=drawn)
        for group, drawn in zip(groups, resampled(groups), strict=True)
    ]
    rows.sort(key=lambda row: (-row.spread(pixel_accuracy).mean, row.first.row))
    facts = rows[0].first.dataset
    return Board(dataset=key[0], fingerprint=key[1], protocol=key[2], facts=facts, rows=tuple(rows))
