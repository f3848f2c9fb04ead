"""What tells the rows of one method apart, in words."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from infoseg_bench.report.rows import Row

CHOICES = ("published", "corrected")
"""What a parameter says that turns a quirk of released code on or off."""


@dataclass(frozen=True)
class Labels:
    """Settings of every method's rows, and how many rows share each."""

    rows: dict[str, int]
    names: dict[str, list[str]]
    usual: dict[str, Counter[tuple[str, str]]]

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Labels:
        """Look at all rows of a board."""
        methods: dict[str, list[dict[str, object]]] = defaultdict(list)
        for row in rows:
            methods[row.first.spec.method].append(row.settings)
        names = {method: _names(settings) for method, settings in methods.items()}
        usual = {
            method: Counter(_setting(name, one) for one in settings for name in names[method])
            for method, settings in methods.items()
        }
        return cls({method: len(settings) for method, settings in methods.items()}, names, usual)

    def label(self, row: Row) -> str:
        """Name a row: its method, and the settings that it does not share with most rows of that method."""
        told = _folded(row.settings, self._told(row))
        return f"{row.first.method_title} ({', '.join(told)})" if told else row.first.method_title

    def _told(self, row: Row) -> list[str]:
        method, settings = row.first.spec.method, row.settings
        usual, rows = self.usual[method], self.rows[method]
        return [name for name in self.names[method] if 2 * usual[_setting(name, settings)] <= rows]


def _names(rows: list[dict[str, object]]) -> list[str]:
    return list(dict.fromkeys(name for settings in rows for name in settings))


def _setting(name: str, settings: dict[str, object]) -> tuple[str, str]:
    return name, repr(settings[name]) if name in settings else "unset"


def _folded(settings: dict[str, object], told: list[str]) -> list[str]:
    """Say one word for all quirks if they agree: a reader need not learn their names."""
    quirks = {name: value for name, value in settings.items() if value in CHOICES}
    fold = len(quirks) > 1 and len(set(quirks.values())) == 1 and bool(quirks.keys() & set(told))
    words = [f"quirks {next(iter(quirks.values()))}"] if fold else []
    rest = (name for name in told if not (fold and name in quirks))
    return words + [f"{name}={settings.get(name, 'unset')}" for name in rest]
