"""What a quirk is worth: published against corrected, where both were run.

Two rows are compared if they differ in nothing but the protocol, settings that say "published" or
"corrected", and switches that are on or off, such as a mask that uses labels.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import pandas as pd

from infoseg_bench.records.differences import CHOICES
from infoseg_bench.reporting.boards import Board
from infoseg_bench.reporting.bootstrap import intervals
from infoseg_bench.reporting.table import Table, percent

NOTES = (
    "PA in % at the last step, mean ± sample standard deviation over the seeds; difference in points, "
    "published minus corrected, with its 95 % interval where both were scored on the same images.",
    "Where several switches differ, the difference is of all of them together.",
)


class _Side(NamedTuple):
    board: Board
    place: int
    switches: dict[str, Any]

    @property
    def row(self) -> pd.Series:
        return self.board.rows.iloc[self.place]

    @property
    def published(self) -> bool:
        return "published" in self.switches.values()

    def differing(self, other: _Side) -> list[str]:
        return [name for name, value in self.switches.items() if other.switches.get(name) != value]


def quirks(boards: Iterable[Board]) -> Table | None:
    """Return every row with published choices beside the nearest corrected row; None without any."""
    groups: dict[str, list[_Side]] = defaultdict(list)
    for board in boards:
        for place, (row, method) in enumerate(board.rows["method"].items()):
            settings = board.settings(str(row))
            parameters = board.seeds(str(row))[0].record.spec.parameters.items()
            chosen = {
                name: value for name, value in parameters if value in CHOICES or isinstance(value, bool)
            }
            switches = {"protocol": board.protocol, **chosen}
            rest = {name: value for name, value in settings.items() if name not in switches}
            key = json.dumps([board.dataset, board.fingerprint, method, rest], sort_keys=True, default=str)
            groups[key].append(_Side(board, place, switches))
    numbers = pd.DataFrame(line for sides in groups.values() for line in _lines(sides))
    if numbers.empty:
        return None
    sides = {side: percent(numbers[f"{side}_mean"], numbers[f"{side}_std"]) for side in CHOICES}
    shown = pd.DataFrame(
        {
            "data": numbers["data"],
            "method": numbers["method"],
            "as published": numbers["as_published"],
            "seeds": [*map("{} and {}".format, numbers["corrected_n"], numbers["published_n"])],
            "PA corrected": sides["corrected"],
            "PA published": sides["published"],
            "difference": [
                f"{100 * mean:+.1f}" + ("" if pd.isna(low) else f" ({100 * low:+.1f} to {100 * high:+.1f})")
                for mean, low, high in numbers[["difference", "difference_low", "difference_high"]].to_numpy()
            ],
        }
    )
    return Table(title="What a quirk is worth", shown=shown, numbers=numbers, notes=NOTES)


def _lines(sides: Sequence[_Side]) -> Iterator[dict[str, object]]:
    corrected = [side for side in sides if not side.published]
    for side in sides:
        if side.published and corrected:
            yield _line(side, min(corrected, key=lambda other: len(side.differing(other))))


def _line(side: _Side, other: _Side) -> dict[str, object]:
    names = side.differing(other)
    told = [name if side.switches[name] == "published" else f"{name}={side.switches[name]}" for name in names]
    line: dict[str, object] = {
        "data": side.board.facts.title,
        "method": side.row["title"],
        "as_published": ", ".join(told),
    }
    for name, one in (("corrected", other), ("published", side)):
        line |= {f"{name}_{part}": one.row[f"pixel_accuracy_{part}"] for part in ("mean", "std")}
        line[f"{name}_n"] = one.row["n"]
    line["difference"] = side.row["pixel_accuracy_mean"] - other.row["pixel_accuracy_mean"]
    if "protocol" not in names:
        # Under another protocol other labels are void, so that the images' pixels are not the same.
        low, high = intervals(side.board.draws[side.place] - other.board.draws[other.place])
        return {**line, "difference_low": low, "difference_high": high}
    return {**line, "difference_low": None, "difference_high": None}
