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
from infoseg_bench.reporting.table import Columns, Table, readable
from infoseg_bench.scoring.dropped import as_in_stego

NOTES = (
    "PA in % at the last step, mean ± sample standard deviation over the seeds; difference in points, "
    "published minus corrected, with its 95 % interval where both were scored on the same images.",
    "Where several switches differ, the difference is of all of them together.",
)
COLUMNS = [
    *("data", "method", "as_published", "corrected_mean", "corrected_std", "corrected_n"),
    *("published_mean", "published_std", "published_n", "difference", "difference_low", "difference_high"),
    "label",
]
SHOWN: Columns = {
    "data": "data", "method": "method", "as published": "as_published", "seeds": "seeds",
    "PA corrected": ("corrected_mean", "corrected_std"),
    "PA published": ("published_mean", "published_std"), "difference": "points",
}  # fmt: skip
_Score = tuple[float, float, int]
"""Mean PA, its standard deviation over the seeds, and their number."""
_Line = tuple[object, ...]
"""In the order of `COLUMNS`."""


class _Row(NamedTuple):
    board: Board
    row: Any
    draws: np.ndarray
    switches: dict[str, Any]

    def differing(self, other: _Row) -> dict[str, Any]:
        return {name: value for name, value in self.switches.items() if other.switches.get(name) != value}


def quirks(boards: Sequence[Board]) -> Table | None:
    """Return every row with published choices beside the nearest corrected row; None without any.

    A row with more clusters than classes is also shown as STEGO's evaluator scores it, from the same counts.
    """
    groups: dict[str, list[_Row]] = defaultdict(list)
    evaluators: list[_Line] = []
    for board in boards:
        for row, draws in zip(each(board.rows), board.draws, strict=True):
            # What dropping clusters is worth follows from the counts of the row that does not.
            if row.dropping:
                continue
            evaluators += _as_in_stego(board, row)
            settings = board.settings(row.Index)
            switches = {name: on for name, on in settings.items() if on in CHOICES or isinstance(on, bool)}
            rest = {name: settings[name] for name in settings.keys() - switches.keys()}
            key = json.dumps([board.dataset, board.fingerprint, row.method, rest], sort_keys=True)
            groups[key].append(_Row(board, row, draws, {"protocol": board.protocol, **switches}))
    lines = []
    for group in groups.values():
        corrected = [one for one in group if "published" not in one.switches.values()]
        lines += [
            _compared(one, min(corrected, key=lambda other: len(one.differing(other))))
            for one in group
            if corrected and "published" in one.switches.values()
        ]
    lines += evaluators
    return _table(pd.DataFrame(lines, columns=COLUMNS)) if lines else None


def _as_in_stego(board: Board, row: Any) -> list[_Line]:
    """Return a row as STEGO's evaluator scores it, beside the row itself; nothing if it drops no pixels."""
    found = [as_in_stego(run.counts) for run in board.seeds[row.Index]]
    kept = [stego for stego in found if stego is not None]
    if len(kept) < len(found):
        return []
    published = pd.Series([stego.pixel_accuracy for stego in kept])
    dropped = 100 * float(np.mean([stego.dropped for stego in kept]))
    what = f"STEGO's evaluator, extra clusters dropped ({dropped:.1f} % of the pixels)"
    return [_line(board, row, what, _score(row), (published.mean(), published.std(), len(kept)))]


def _compared(one: _Row, other: _Row) -> _Line:
    """Return a row with published choices beside a corrected one."""
    values = one.differing(other)
    # Under another protocol other labels are void, so that the images' pixels are not the same.
    ends = intervals(one.draws - other.draws) if "protocol" not in values else (None, None)
    what = ", ".join(name if value == "published" else f"{name}={value}" for name, value in values.items())
    return _line(one.board, one.row, what, _score(other.row), _score(one.row), *ends)


def _score(row: Any) -> _Score:
    return row.pixel_accuracy_mean, row.pixel_accuracy_std, row.n


def _line(
    board: Board, row: Any, what: str, corrected: _Score, published: _Score, *ends: float | None
) -> _Line:
    low, high = ends or (None, None)
    difference = published[0] - corrected[0]
    return board.title, row.method_title, what, *corrected, *published, difference, low, high, row.label


def _table(lines: pd.DataFrame) -> Table:
    labels, numbers = lines["label"], lines.drop(columns="label")
    numbers["method"] = labels.where(numbers.duplicated(COLUMNS[:3], keep=False), numbers["method"])
    points = [
        f"{100 * mean:+z.1f}" + ("" if pd.isna(low) else f" ({100 * low:+z.1f} to {100 * high:+z.1f})")
        for mean, low, high in numbers[["difference", "difference_low", "difference_high"]].to_numpy()
    ]
    seeds = [*map("{} and {}".format, numbers["corrected_n"], numbers["published_n"])]
    shown = readable(numbers.assign(points=points, seeds=seeds), SHOWN)
    return Table(title="What a quirk is worth", shown=shown, numbers=numbers, notes=NOTES).cut()
