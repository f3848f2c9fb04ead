"""Watching runs: a table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from infoseg_bench.launchers.engine import Outcome
from infoseg_bench.launchers.status_columns import TITLES, describe, row
from infoseg_bench.records.differences import Differences
from infoseg_bench.records.spec import RunSpec

LEFT = ("run", "state", "settings")
"""Columns of words."""
SPARE_LINES = 4
"""Lines of a terminal without finished runs: title, head and messages; chosen by this project."""
PLAIN_INTERVAL = 10.0
"""Seconds between two lines about the same run."""
STOPPING = "Stopping: every run saves a checkpoint after its step. Press Ctrl-C again to stop at once."


class SilentWatcher:
    """Shows nothing."""

    def __init__(self, specs: Sequence[RunSpec]) -> None:
        """Take the runs to come."""

    def context(self) -> AbstractContextManager[Any]:
        """Nothing has to be opened or closed."""
        return nullcontext()

    def started(self, spec: RunSpec) -> None:
        """Ignore that a run has started."""

    def moved(self, spec: RunSpec, status: dict[str, Any]) -> None:
        """Ignore how far a run is."""

    def retrying(self, outcome: Outcome) -> None:
        """Ignore that a run is tried again."""

    def ended(self, outcome: Outcome) -> None:
        """Ignore how a run ended."""

    def stopping(self) -> None:
        """Ignore that Ctrl-C was heard."""


class PlainWatcher:
    """Lines on standard error."""

    def __init__(self, specs: Sequence[RunSpec]) -> None:
        """Take the runs to come."""
        self._total, self._done, self._told = len(specs), 0, {}  # type: int, int, dict[str, float]
        self._label = Differences.among(specs).label

    def context(self) -> AbstractContextManager[Any]:
        """Nothing has to be opened or closed."""
        return nullcontext()

    def started(self, spec: RunSpec) -> None:
        """Tell that a run has started."""
        self._told[spec.identity] = time.monotonic()
        self._say(f"[{self._done + 1}/{self._total}] {self._label(spec)} ...")

    def moved(self, spec: RunSpec, status: dict[str, Any]) -> None:
        """Tell now and then how far a run is."""
        now = time.monotonic()
        if status.get("steps") and now - self._told[spec.identity] > PLAIN_INTERVAL:
            self._told[spec.identity] = now
            self._say(f"    {self._label(spec)}: {describe(status)}")

    def retrying(self, outcome: Outcome) -> None:
        """Tell that a run is tried again, and why."""
        self._say(f"    {self._label(outcome.spec)}: {outcome.reason}; trying again")

    def ended(self, outcome: Outcome) -> None:
        """Tell how a run ended."""
        self._done += 1
        self._say(
            f"    {self._label(outcome.spec)}: {outcome.ending}{': ' * bool(outcome.reason)}{outcome.reason}"
        )

    def stopping(self) -> None:
        """Tell that Ctrl-C was heard."""
        self._say(STOPPING)

    def _say(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)


class TableWatcher:
    """A live table of the runs under way and those finished last; what has ended badly stays above it."""

    def __init__(self, specs: Sequence[RunSpec]) -> None:
        """Take the runs to come."""
        from rich.console import Console
        from rich.live import Live

        self._total, self._done, self._stopping = len(specs), 0, False
        self._differences = Differences.among(specs)
        self._rows: dict[str, tuple[str, ...]] = {}
        self._finished: dict[str, tuple[str, ...]] = {}
        self._statuses: dict[str, dict[str, Any]] = {}
        self._console = Console(stderr=True)
        self._live = Live(
            console=self._console, get_renderable=self._table, refresh_per_second=2, transient=True
        )

    def context(self) -> AbstractContextManager[Any]:
        """Draw while it is open."""
        return self._live

    def started(self, spec: RunSpec) -> None:
        """Add a row."""
        self._rows[spec.identity] = row(spec, "starting", {}, self._differences.words(spec))

    def moved(self, spec: RunSpec, status: dict[str, Any]) -> None:
        """Write its row anew."""
        self._statuses[spec.identity] = status
        state = "stopping" if self._stopping else str(status.get("state", "starting"))
        self._rows[spec.identity] = row(spec, state, status, self._differences.words(spec))

    def retrying(self, outcome: Outcome) -> None:
        """Remove its row for now, and tell why."""
        self._rows.pop(outcome.spec.identity, None)
        self._say(f"{self._differences.label(outcome.spec)}: {outcome.reason}; trying again")

    def ended(self, outcome: Outcome) -> None:
        """Move the row of a finished run to the finished ones, remove that of another, and count it."""
        spec = outcome.spec
        self._rows.pop(spec.identity, None)
        self._done += 1
        if outcome.ending == "finished":
            status = {**self._statuses.get(spec.identity, {}), **outcome.figures}
            self._finished[spec.identity] = row(spec, "finished", status, self._differences.words(spec))
        if outcome.reason:
            self._say(f"{self._differences.label(outcome.spec)}: {outcome.ending}: {outcome.reason}")

    def stopping(self) -> None:
        """Tell that Ctrl-C was heard."""
        self._stopping = True
        self._say(STOPPING)

    def _say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False)

    def _table(self) -> Any:
        from rich.table import Table

        table = Table(box=None, title=f"{self._done} of {self._total} runs done", title_justify="left")
        for title in TITLES:
            table.add_column(title, justify="left" if title in LEFT else "right")
        finished = list(self._finished.values())
        room = max(0, self._console.height - len(self._rows) - SPARE_LINES)
        for cells in [*finished[max(0, len(finished) - room) :], *self._rows.values()]:
            table.add_row(*cells)
        return table


def watcher(specs: Sequence[RunSpec]) -> PlainWatcher | TableWatcher:
    """Return a table on a terminal and plain lines elsewhere."""
    return TableWatcher(specs) if sys.stderr.isatty() else PlainWatcher(specs)
