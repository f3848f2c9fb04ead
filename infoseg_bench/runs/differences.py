"""What tells the rows of one method on one data set apart, in words."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from infoseg_bench.runs.spec import RunSpec

CHOICES = ("published", "corrected")
"""What a parameter says that turns a quirk of released code on or off."""

Settings = dict[str, object]


@dataclass(frozen=True)
class Differences:
    """Settings of the rows of every data set and method, and how many rows share each."""

    rows: dict[tuple[str, str], int]
    names: dict[tuple[str, str], list[str]]
    usual: dict[tuple[str, str], Counter[tuple[str, str]]]

    @classmethod
    def among(cls, specs: Iterable[RunSpec]) -> Differences:
        """Look at all runs that are shown together; seeds tell no rows apart."""
        groups: dict[tuple[str, str], list[Settings]] = defaultdict(list)
        for spec in {spec.row: spec for spec in specs}.values():
            groups[spec.dataset, spec.method].append(_settings(spec))
        names = {key: list({name: None for one in rows for name in one}) for key, rows in groups.items()}
        usual = {
            key: Counter(_setting(name, one) for one in rows for name in names[key])
            for key, rows in groups.items()
        }
        return cls({key: len(rows) for key, rows in groups.items()}, names, usual)

    def words(self, spec: RunSpec) -> str:
        """Give the settings that a run does not share with most rows of its method; "" where there are none.

        No two rows get the same words: of two values of a setting, at most one is that of most rows.
        """
        key, settings = (spec.dataset, spec.method), _settings(spec)
        usual, rows = self.usual[key], self.rows[key]
        told = [name for name in self.names[key] if 2 * usual[_setting(name, settings)] <= rows]
        return ", ".join(_folded(settings, told))

    def label(self, spec: RunSpec) -> str:
        """Name a run for people."""
        words = self.words(spec)
        return f"{spec.title} ({words})" if words else spec.title


def _settings(spec: RunSpec) -> Settings:
    return {**spec.settings, "protocol": spec.protocol, "data": spec.fingerprint[:8]}


def _setting(name: str, settings: Settings) -> tuple[str, str]:
    return name, repr(settings[name]) if name in settings else "unset"


def _folded(settings: Settings, told: list[str]) -> list[str]:
    """Say one word for all quirks if they agree: a reader need not learn their names."""
    quirks = {name: value for name, value in settings.items() if value in CHOICES and name != "protocol"}
    fold = len(quirks) > 1 and len(set(quirks.values())) == 1 and bool(quirks.keys() & set(told))
    words = [f"quirks {next(iter(quirks.values()))}"] if fold else []
    rest = (name for name in told if not (fold and name in quirks))
    return words + [f"{name}={settings.get(name, 'unset')}" for name in rest]
