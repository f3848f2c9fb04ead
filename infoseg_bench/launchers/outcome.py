"""How a run ended, and who is informed while runs are under way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from infoseg_bench.records.spec import RunSpec

Ending = Literal["finished", "failed", "interrupted", "busy"]


@dataclass(frozen=True)
class Outcome:
    """How one run ended.

    Attributes:
        spec: the run
        ending: "busy" if a worker of another launcher has the run
        reason: one line; empty for a run that finished without remarks
        transient: whether a failed run is worth another attempt
        figures: step and PA of a finished run
    """

    spec: RunSpec
    ending: Ending
    reason: str = ""
    transient: bool = False
    figures: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class Watcher(Protocol):
    """Receives the events of runs under way."""

    def started(self, spec: RunSpec) -> None:
        """Handle the start of a worker."""

    def moved(self, spec: RunSpec, status: dict[str, Any]) -> None:
        """Handle a new `status.json` of a worker under way."""

    def retrying(self, outcome: Outcome) -> None:
        """Handle a failure whose cause may have passed: the run is tried again."""

    def ended(self, outcome: Outcome) -> None:
        """Handle the end of a run."""

    def stopping(self) -> None:
        """Handle the user's request to stop."""
