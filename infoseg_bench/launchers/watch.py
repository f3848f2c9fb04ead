"""Display of active runs: a table on a terminal, and plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from infoseg_bench.launchers.outcome import Outcome, Watcher
from infoseg_bench.launchers.status_columns import GIVE_WAY, TITLES, describe, row
from infoseg_bench.records.differences import Differences
from infoseg_bench.records.spec import RunSpec
from infoseg_bench.utils.progress import can_redraw
from infoseg_bench.utils.text import fitted

SPARE_LINES = 4
"""Number of lines reserved for titles and messages; chosen by this project."""
PLAIN_INTERVAL = 10.0
"""Minimum seconds between two lines about the same run; chosen by this project."""
STOPPING = "Stopping: every run saves a checkpoint after its step. Press Ctrl-C again to stop at once."


class SilentWatcher(Watcher):
    """Shows nothing."""

    def __init__(self, specs: Sequence[RunSpec]) -> None:
        """Create the watcher for the runs to execute."""

    def context(self) -> AbstractContextManager[Any]:
        """Return an empty context."""
        return nullcontext()


class PlainWatcher:
    """Prints lines on standard error."""

    def __init__(self, specs: Sequence[RunSpec]) -> None:
        """Create the watcher for the runs to execute."""
        self._total, self._shown, self._numbers = len(specs), dict[str, float](), dict[str, int]()
        self._label = Differences.among(specs).label

    def context(self) -> AbstractContextManager[Any]:
        """Return an empty context."""
        return nullcontext()

    def started(self, spec: RunSpec) -> None:
        """Print that a run has started."""
        self._shown[spec.identity] = time.monotonic()
        self._say(f"[{self._number(spec)}/{self._total}] {self._label(spec)} ...")

    def moved(self, spec: RunSpec, status: dict[str, Any]) -> None:
        """Print the progress of a run, at most once per `PLAIN_INTERVAL`."""
        now = time.monotonic()
        if status.get("steps") and now - self._shown[spec.identity] > PLAIN_INTERVAL:
            self._shown[spec.identity] = now
            self._say(f"    {self._label(spec)}: {describe(status)}")

    def retrying(self, outcome: Outcome) -> None:
        """Print that a run is tried again, with the reason."""
        self._say(f"    {self._label(outcome.spec)}: {outcome.reason}; trying again")

    def ended(self, outcome: Outcome) -> None:
        """Print how a run ended."""
        self._number(outcome.spec)
        self._say(
            f"    {self._label(outcome.spec)}: {outcome.ending}{': ' * bool(outcome.reason)}{outcome.reason}"
        )

    def stopping(self) -> None:
        """Print that the runs are stopping."""
        self._say(STOPPING)

    def _number(self, spec: RunSpec) -> int:
        """Return the place of a run among those that were started, or that ended without a start."""
        return self._numbers.setdefault(spec.identity, len(self._numbers) + 1)

    def _say(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)


class TableWatcher:
    """Shows a live table of the active and the last finished runs; failures are printed above it."""

    def __init__(self, specs: Sequence[RunSpec]) -> None:
        """Create the watcher for the runs to execute."""
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
        """Return the context in which the table is drawn."""
        return self._live

    def started(self, spec: RunSpec) -> None:
        """Add a row for a run."""
        self._rows[spec.identity] = row(spec, "starting", {}, self._differences.text(spec))

    def moved(self, spec: RunSpec, status: dict[str, Any]) -> None:
        """Update the row of a run."""
        self._statuses[spec.identity] = status
        state = "stopping" if self._stopping else str(status.get("state", "starting"))
        self._rows[spec.identity] = row(spec, state, status, self._differences.text(spec))

    def retrying(self, outcome: Outcome) -> None:
        """Remove the row of a run until it is tried again, and print the reason."""
        self._rows.pop(outcome.spec.identity, None)
        self._say(f"{self._differences.label(outcome.spec)}: {outcome.reason}; trying again")

    def ended(self, outcome: Outcome) -> None:
        """Move the row of a finished run to the finished ones; remove the row of another one."""
        spec = outcome.spec
        self._rows.pop(spec.identity, None)
        self._done += 1
        if outcome.ending == "finished":
            status = {**self._statuses.get(spec.identity, {}), **outcome.figures}
            self._finished[spec.identity] = row(spec, "finished", status, self._differences.text(spec))
        if outcome.reason:
            self._say(f"{self._differences.label(outcome.spec)}: {outcome.ending}: {outcome.reason}")

    def stopping(self) -> None:
        """Print that the runs are stopping."""
        self._stopping = True
        self._say(STOPPING)

    def _say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False)

    def _table(self) -> Any:
        from rich.text import Text

        width, height = self._console.size
        finished = [*self._finished.values()][-height:]
        lines = self._lines(finished, width)
        while finished and len(lines) > height - SPARE_LINES:
            del finished[0]
            lines = self._lines(finished, width)
        title = f"{self._done} of {self._total} runs done"
        return Text("\n".join([title, *lines]), no_wrap=True, overflow="crop")

    def _lines(self, finished: Sequence[tuple[str, ...]], width: int) -> list[str]:
        rows = [*finished, *self._rows.values()]
        return fitted(TITLES, rows, width, give_way=GIVE_WAY)


def watcher(specs: Sequence[RunSpec]) -> PlainWatcher | TableWatcher:
    """Return a table on a terminal that can draw it anew, and plain lines elsewhere."""
    return TableWatcher(specs) if can_redraw() else PlainWatcher(specs)
