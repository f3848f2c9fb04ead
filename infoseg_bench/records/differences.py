"""What tells the rows of one method on one data set apart, in words."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from infoseg_bench.records.spec import RunSpec

CHOICES = ("published", "corrected")
"""What a parameter says that turns a quirk of released code on or off."""

UNSET = "unset"
"""Said where a run has no such setting: it was added to the method since."""
Settings = dict[str, object]


@dataclass(frozen=True)
class Differences:
    """What is told of every row."""

    told: dict[str, str]

    @classmethod
    def among(cls, specs: Iterable[RunSpec]) -> Differences:
        """Look at all runs that are shown together; seeds tell no rows apart."""
        groups: dict[tuple[str, str], dict[str, Settings]] = defaultdict(dict)
        for spec in specs:
            groups[spec.dataset, spec.method][spec.row] = _settings(spec)
        return cls({row: words for rows in groups.values() for row, words in _words(rows).items()})

    def words(self, spec: RunSpec) -> str:
        """Return the settings in which a run differs from most rows of its method, or an empty text.

        No two rows get the same words. A setting that only some rows have, as it was added to the method
        since, is told of those, and of the others only if nothing else tells them apart.
        """
        return self.told[spec.row]

    def label(self, spec: RunSpec) -> str:
        """Name a run for people."""
        words = self.words(spec)
        return f"{spec.title} ({words})" if words else spec.title


def _settings(spec: RunSpec) -> Settings:
    return {**spec.settings, "protocol": spec.protocol, "data": spec.fingerprint[:8]}


def _words(rows: dict[str, Settings]) -> dict[str, str]:
    names = list(dict.fromkeys(name for settings in rows.values() for name in settings))
    usual = Counter(_setting(name, settings) for settings in rows.values() for name in names)

    def told(settings: Settings, *, unset: bool) -> str:
        chosen = [
            name
            for name in names
            if (unset or name in settings)
            and 2 * usual[_setting(name, settings)] <= len(rows) - (0 if unset else usual[name, UNSET])
        ]
        return ", ".join(_folded(settings, chosen))

    brief = {row: told(settings, unset=False) for row, settings in rows.items()}
    shared = Counter(brief.values())
    return {row: words if shared[words] == 1 else told(rows[row], unset=True) for row, words in brief.items()}


def _setting(name: str, settings: Settings) -> tuple[str, str]:
    return name, repr(settings[name]) if name in settings else UNSET


def _folded(settings: Settings, told: list[str]) -> list[str]:
    """Describe one word for all quirks if they agree: a reader need not learn their names."""
    quirks = {name: value for name, value in settings.items() if value in CHOICES and name != "protocol"}
    fold = len(quirks) > 1 and len(set(quirks.values())) == 1 and bool(quirks.keys() & set(told))
    words = [f"quirks {next(iter(quirks.values()))}"] if fold else []
    rest = (name for name in told if not (fold and name in quirks))
    return words + [f"{name}={settings.get(name, UNSET)}" for name in rest]
