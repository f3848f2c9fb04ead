"""The interface of an engine: it is given specs, does the runs somewhere, and says how each ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from infoseg_bench.records.spec import RunSpec

Ending = Literal["finished", "failed", "interrupted", "busy"]


@dataclass(frozen=True)
class Outcome:
    """How one run ended.

    Attributes:
        spec: the run
        ending: "busy": another launcher's worker has it
        reason: one line; empty for one that has finished as it should
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
    """Somebody who is told what happens."""

    def started(self, spec: RunSpec) -> None:
        """A worker has started."""

    def moved(self, spec: RunSpec, status: dict[str, Any]) -> None:
        """A worker is under way; its `status.json`."""

    def retrying(self, outcome: Outcome) -> None:
        """A run has failed for a reason that may have passed, and is tried again."""

    def ended(self, outcome: Outcome) -> None:
        """A run has ended."""

    def stopping(self) -> None:
        """Somebody has asked to stop."""


@runtime_checkable
class Engine(Protocol):
    """Does runs, each in a process of its own."""

    def run(self, specs: Sequence[RunSpec]) -> list[Outcome]:
        """Do the runs; one that fails leaves the others alone.

        Ctrl-C once lets every active run checkpoint and starts no more; twice stops them at once.

        Returns:
            the outcome of every run that was started
        """

    @property
    def stopped(self) -> bool:
        """Whether somebody has asked to stop."""
