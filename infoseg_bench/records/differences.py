"""Descriptions of the settings that distinguish rows of one method on one data set."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from infoseg_bench.records.spec import RunSpec

CHOICES = ("published", "corrected")
"""Values of parameters that turn a quirk of released code on or off."""

UNSET = "unset"
"""Shown if a run does not have the setting, because it was added to the method later."""
Settings = dict[str, object]


@dataclass(frozen=True)
class Differences:
    """The settings that describe each row."""

    told: dict[str, str]

    @classmethod
    def among(cls, specs: Iterable[RunSpec]) -> Differences:
        """Compare all runs that are shown together; seeds do not distinguish rows."""
        groups: dict[tuple[str, str], dict[str, Settings]] = defaultdict(dict)
        for spec in specs:
            groups[spec.dataset, spec.method][spec.row] = _settings(spec)
        return cls({row: words for rows in groups.values() for row, words in _words(rows).items()})

    def words(self, spec: RunSpec) -> str:
        """Return the settings in which a run differs from most rows of its method, or an empty text.

        No two rows get the same text. A setting that only some rows have, because it was added to the method
        later, is shown for those rows, and for others only if nothing else distinguishes them.
        """
        return self.told[spec.row]

    def label(self, spec: RunSpec) -> str:
        """Return a readable name for a run."""
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
    """Replace the settings of all quirks by one word if they agree, so that readers need not know them."""
    quirks = {name: value for name, value in settings.items() if value in CHOICES and name != "protocol"}
    fold = len(quirks) > 1 and len(set(quirks.values())) == 1 and bool(quirks.keys() & set(told))
    words = [f"quirks {next(iter(quirks.values()))}"] if fold else []
    rest = (name for name in told if not (fold and name in quirks))
    return words + [f"{name}={settings.get(name, UNSET)}" for name in rest]
