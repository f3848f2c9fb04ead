"""What a quirk is worth: published against corrected, where both were run.

Two rows are compared if they differ in nothing but the protocol, settings that say "published" or
"corrected", and switches that are on or off, such as a mask that uses labels.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from infoseg_bench.records.differences import CHOICES
from infoseg_bench.reporting.boards import Board
from infoseg_bench.reporting.bootstrap import interval
from infoseg_bench.reporting.grid import Grid
from infoseg_bench.reporting.rows import Row, percent, pixel_accuracy

HEAD = ("data", "method", "as published", "seeds", "PA corrected", "PA published", "difference")


@dataclass(frozen=True, eq=False)
class _Side:
    board: Board
    row: Row
    switches: dict[str, object]

    @property
    def published(self) -> int:
        """How many switches say "published"."""
        return sum(value == "published" for value in self.switches.values())

    def differing(self, other: _Side) -> list[str]:
        return [name for name, value in self.switches.items() if other.switches.get(name) != value]


def quirks(boards: Iterable[Board]) -> Grid | None:
    """Return every row with published choices beside the nearest corrected row; None without any."""
    groups: dict[str, list[_Side]] = defaultdict(list)
    for board in boards:
        for row in board.rows:
            switches = _switches(board, row)
            groups[_rest(board, row, switches)].append(_Side(board, row, switches))
    body = [line for sides in groups.values() for line in _lines(sides)]
    if not body:
        return None
    notes = (
        "PA in % at the last step, mean ± sample standard deviation over the seeds; difference in points, "
        "published minus corrected, with its 95 % interval where both were scored on the same images.",
        "Where several switches differ, the difference is of all of them together.",
    )
    return Grid(title="What a quirk is worth", head=HEAD, body=tuple(body), notes=notes)


def _switches(board: Board, row: Row) -> dict[str, object]:
    parameters = row.first.spec.parameters.items()
    chosen = {name: value for name, value in parameters if value in CHOICES or isinstance(value, bool)}
    return {"protocol": board.protocol, **chosen}


def _rest(board: Board, row: Row, switches: dict[str, object]) -> str:
    settings = {name: value for name, value in row.settings.items() if name not in switches}
    where = [board.dataset, board.fingerprint, row.first.spec.method]
    return json.dumps([*where, settings], sort_keys=True, default=str)


def _lines(sides: Sequence[_Side]) -> Iterable[tuple[str, ...]]:
    corrected = [side for side in sides if not side.published]
    for side in sides:
        if side.published and corrected:
            nearest = min(corrected, key=lambda other: len(side.differing(other)))
            yield _line(side, nearest)


def _line(side: _Side, other: _Side) -> tuple[str, ...]:
    names = side.differing(other)
    told = [name if side.switches[name] == "published" else f"{name}={side.switches[name]}" for name in names]
    spreads = [one.row.spread(pixel_accuracy) for one in (other, side)]
    return (
        side.board.facts.title,
        side.row.first.method_title,
        ", ".join(told),
        f"{len(other.row.runs)} and {len(side.row.runs)}",
        *map(percent, spreads),
        _difference(side, other, spreads[1].mean - spreads[0].mean),
    )


def _difference(side: _Side, other: _Side, mean: float) -> str:
    text = f"{100 * mean:+.1f}"
    if "protocol" in side.differing(other):
        # Other labels are void there, so the images' pixels are not the same.
        return text
    low, high = interval(side.row.resamples - other.row.resamples)
    return f"{text} ({100 * low:+.1f} to {100 * high:+.1f})"
