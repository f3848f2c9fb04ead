"""The outcome of a run, and the interface of watchers, which are informed of the progress of runs."""

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
        ending: how it ended; "busy": a worker of another launcher is executing the run
        reason: a reason or remark in one line, or empty
        transient: whether a failed run is worth another attempt
        figures: step, PA and diagnostics of a finished run
    """

    spec: RunSpec
    ending: Ending
    reason: str = ""
    transient: bool = False
    figures: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class Watcher(Protocol):
    """Receives the events of active runs."""

    def started(self, spec: RunSpec) -> None:
        """Handle the start of a worker."""

    def moved(self, spec: RunSpec, status: dict[str, Any]) -> None:
        """Handle a new `status.json` of a run."""

    def retrying(self, outcome: Outcome) -> None:
        """Handle a transient failure, after which the run will be tried again."""

    def ended(self, outcome: Outcome) -> None:
        """Handle the end of a run."""

    def stopping(self) -> None:
        """Handle the user's request to stop."""
