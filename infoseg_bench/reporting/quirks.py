"""What a quirk is worth: published against corrected, where both were run.

Two rows are compared if they differ in nothing but the protocol, settings that say "published" or
"corrected", and switches that are on or off, such as a mask that uses labels. What an evaluator is worth
needs no second row: its score follows from the counts.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from infoseg_bench.records.differences import CHOICES
from infoseg_bench.reporting.boards import Board, each
from infoseg_bench.reporting.bootstrap import intervals
from infoseg_bench.reporting.table import Table, percent
from infoseg_bench.scoring.dropped import as_in_stego

NOTES = (
    "PA in % at the last step, mean ± sample standard deviation over the seeds; difference in points, "
    "published minus corrected, with its 95 % interval where both were scored on the same images.",
    "Where several switches differ, the difference is of all of them together.",
)
COLUMNS = [
    *("data", "method", "as_published", "corrected_mean", "corrected_std", "corrected_n"),
    *("published_mean", "published_std", "published_n", "difference", "difference_low", "difference_high"),
]
_Score = tuple[float, float, int]
"""Mean PA, its standard deviation over the seeds, and their number."""


class _Side(NamedTuple):
    board: Board
    row: Any
    draws: np.ndarray
    switches: dict[str, Any]

    @property
    def published(self) -> bool:
        return "published" in self.switches.values()

    def differing(self, other: _Side) -> list[str]:
        return [name for name, value in self.switches.items() if other.switches.get(name) != value]


def quirks(boards: Sequence[Board]) -> Table | None:
    """Return every row with published choices beside the nearest corrected row; None without any.

    A row with more clusters than classes is also shown as STEGO's evaluator scores it, from the same counts.
    """
    groups: dict[str, list[_Side]] = defaultdict(list)
    for board in boards:
        for row, draws in zip(each(board.rows), board.draws, strict=True):
            settings = board.settings(row.Index)
            spec = board.seeds[row.Index][0].record.spec
            # What dropping clusters is worth follows from the counts of the row that does not.
            if spec.drops_extra_clusters:
                continue
            chosen = {
                name: value
                for name, value in spec.parameters.items()
                if value in CHOICES or isinstance(value, bool)
            }
            rest = {name: value for name, value in settings.items() if name not in {"protocol", *chosen}}
            key = json.dumps(
                [board.dataset, board.fingerprint, row.method, rest], sort_keys=True, default=str
            )
            groups[key].append(_Side(board, row, draws, {"protocol": board.protocol, **chosen}))
    lines = []
    for sides in groups.values():
        corrected = [side for side in sides if not side.published]
        for side in sides if corrected else []:
            if side.published:
                lines.append(_compared(side, min(corrected, key=lambda other: len(side.differing(other)))))
    lines += [line for board in boards for row in each(board.rows) if (line := _as_in_stego(board, row))]
    return _table(pd.DataFrame(lines, columns=COLUMNS)) if lines else None


def _as_in_stego(board: Board, row: Any) -> tuple[object, ...] | None:
    """Return a row as STEGO's evaluator scores it, beside the row itself; None if it drops no pixels."""
    found = [as_in_stego(run.counts) for run in board.seeds[row.Index]]
    kept = [stego for stego in found if stego is not None]
    if not kept or len(kept) < len(found):
        return None
    published = pd.Series([stego.pixel_accuracy for stego in kept])
    dropped = 100 * float(np.mean([stego.dropped for stego in kept]))
    what = f"STEGO's evaluator, extra clusters dropped ({dropped:.1f} % of the pixels)"
    return _line(board, row, what, _score(row), (published.mean(), published.std(), len(kept)))


def _compared(side: _Side, other: _Side) -> tuple[object, ...]:
    """Return a row with published choices beside a corrected one."""
    values = {name: side.switches[name] for name in side.differing(other)}
    # Under another protocol other labels are void, so that the images' pixels are not the same.
    low, high = intervals(side.draws - other.draws) if "protocol" not in values else (None, None)
    what = ", ".join(name if value == "published" else f"{name}={value}" for name, value in values.items())
    return _line(side.board, side.row, what, _score(other.row), _score(side.row), low, high)


def _score(row: Any) -> _Score:
    return row.pixel_accuracy_mean, row.pixel_accuracy_std, row.n


def _line(
    board: Board,
    row: Any,
    what: str,
    corrected: _Score,
    published: _Score,
    low: float | None = None,
    high: float | None = None,
) -> tuple[object, ...]:
    """Return a line of the table, in the order of `COLUMNS`."""
    difference = published[0] - corrected[0]
    return (board.title, row.method_title, what, *corrected, *published, difference, low, high)


def _table(numbers: pd.DataFrame) -> Table:
    shown = pd.DataFrame(
        {
            "data": numbers["data"],
            "method": numbers["method"],
            "as published": numbers["as_published"],
            "seeds": [*map("{} and {}".format, numbers["corrected_n"], numbers["published_n"])],
            "PA corrected": percent(numbers["corrected_mean"], numbers["corrected_std"]),
            "PA published": percent(numbers["published_mean"], numbers["published_std"]),
            "difference": [
                f"{100 * mean:+.1f}" + ("" if pd.isna(low) else f" ({100 * low:+.1f} to {100 * high:+.1f})")
                for mean, low, high in numbers[["difference", "difference_low", "difference_high"]].to_numpy()
            ],
        }
    )
    return Table(title="What a quirk is worth", shown=shown, numbers=numbers, notes=NOTES).cut()
