"""Descriptions of the settings that distinguish rows of one method on one data set."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from infoseg_bench.records.spec import RunSpec

CHOICES = ("published", "corrected")
"""Values of parameters that turn a quirk of released code on or off."""

DECLARED = ("postprocess",)
"""Settings that are always shown if a run has them."""

SHOWN_APART = ("pretrained",)
"""Settings that are no part of a description, because everything shown names them in another way."""

UNSET = "unset"
"""Shown if a run does not have the setting, because it was added to the method later."""
Settings = dict[str, object]


@dataclass(frozen=True)
class Differences:
    """The settings that describe each row.

    Attributes:
        texts: the settings of each row, as text
    """

    texts: dict[str, str]

    @classmethod
    def among(cls, specs: Iterable[RunSpec]) -> Differences:
        """Compare all runs that are shown together; seeds do not distinguish rows."""
        groups: dict[tuple[str, str], dict[str, Settings]] = defaultdict(dict)
        for spec in specs:
            groups[spec.dataset, spec.method][spec.row] = _settings(spec)
        return cls({row: text for rows in groups.values() for row, text in _texts(rows).items()})

    def text(self, spec: RunSpec) -> str:
        """Return the settings in which a run differs from most rows of its method, or an empty text.

        No two rows get the same text. A setting that only some rows have, because it was added to the method
        later, is shown for those rows, and for others only if nothing else distinguishes them.
        """
        return self.texts[spec.row]

    def label(self, spec: RunSpec, title: str | None = None) -> str:
        """Return a readable name for a run: its settings after a title, by default the spec's."""
        text, title = self.text(spec), title or spec.title
        return f"{title} ({text})" if text else title


def _settings(spec: RunSpec) -> Settings:
    settings = {name: value for name, value in spec.settings.items() if name not in SHOWN_APART}
    return {**settings, "protocol": spec.protocol, "data": spec.fingerprint[:8]}


def _texts(rows: dict[str, Settings]) -> dict[str, str]:
    names = list(dict.fromkeys(name for settings in rows.values() for name in settings))
    usual = Counter(_setting(name, settings) for settings in rows.values() for name in names)

    def text(settings: Settings, *, unset: bool) -> str:
        chosen = [
            name
            for name in names
            if (name in DECLARED and name in settings)
            or (
                (unset or name in settings)
                and 2 * usual[_setting(name, settings)] <= len(rows) - (0 if unset else usual[name, UNSET])
            )
        ]
        return ", ".join(_folded(settings, chosen))

    brief = {row: text(settings, unset=False) for row, settings in rows.items()}
    shared = Counter(brief.values())
    return {row: short if shared[short] == 1 else text(rows[row], unset=True) for row, short in brief.items()}


def _setting(name: str, settings: Settings) -> tuple[str, str]:
    return name, repr(settings[name]) if name in settings else UNSET


def _folded(settings: Settings, chosen: list[str]) -> list[str]:
    """Return settings as text, with those of all quirks replaced by one text if they agree."""
    quirks = {name: value for name, value in settings.items() if value in CHOICES and name != "protocol"}
    fold = len(quirks) > 1 and len(set(quirks.values())) == 1 and bool(quirks.keys() & set(chosen))
    texts = [f"quirks {next(iter(quirks.values()))}"] if fold else []
    rest = (name for name in chosen if not (fold and name in quirks))
    return texts + [f"{name}={settings.get(name, UNSET)}" for name in rest]
