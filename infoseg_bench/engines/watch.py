"""Watching runs: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from infoseg_bench.engines.engine import Outcome
from infoseg_bench.runs.spec import RunSpec

PLAIN_INTERVAL = 10.0
"""Seconds between two lines about the same run."""
STOPPING = "stopping: every run checkpoints after its step (Ctrl-C again stops at once)"


class PlainWatcher:
    """Lines on standard error."""

    def __init__(self, total: int) -> None:
        """Take the number of runs to come."""
        self._total, self._done, self._told = total, 0, {}  # type: int, int, dict[str, float]

    def context(self) -> AbstractContextManager[Any]:
        """Nothing has to be opened or closed."""
        return nullcontext()

    def started(self, spec: RunSpec) -> None:
        """Tell that a run has started."""
        self._told[spec.identity] = time.monotonic()
        self._say(f"[{self._done + 1}/{self._total}] {label(spec)} ...")

    def moved(self, spec: RunSpec, status: dict[str, Any]) -> None:
        """Tell now and then how far a run is."""
        now = time.monotonic()
        if status.get("steps") and now - self._told[spec.identity] > PLAIN_INTERVAL:
            self._told[spec.identity] = now
            self._say(f"    {label(spec)}: {describe(status)}")

    def ended(self, outcome: Outcome) -> None:
        """Tell how a run ended."""
        self._done += 1
        self._say(f"    {label(outcome.spec)}: {outcome.ending}{': ' * bool(outcome.reason)}{outcome.reason}")

    def stopping(self) -> None:
        """Tell that Ctrl-C was heard."""
        self._say(STOPPING)

    def _say(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)


class BarWatcher:
    """A bar for all runs and one for each that is active."""

    def __init__(self, total: int) -> None:
        """Take the number of runs to come."""
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[said]}"),
            console=Console(stderr=True),
        )
        self._all = self._progress.add_task("runs", total=total, said="")
        self._bars: dict[str, Any] = {}

    def context(self) -> AbstractContextManager[Any]:
        """Draw while it is open."""
        return self._progress

    def started(self, spec: RunSpec) -> None:
        """Add a bar."""
        self._bars[spec.identity] = self._progress.add_task(label(spec), total=None, said="starting")

    def moved(self, spec: RunSpec, status: dict[str, Any]) -> None:
        """Move its bar."""
        bar = self._bars[spec.identity]
        if status.get("step") is not None:
            self._progress.update(
                bar, completed=status["step"], total=status.get("steps"), said=describe(status)
            )

    def ended(self, outcome: Outcome) -> None:
        """Remove its bar and count it."""
        self._progress.remove_task(self._bars.pop(outcome.spec.identity))
        self._progress.advance(self._all)
        if outcome.ending != "finished":
            self._progress.console.print(
                f"{label(outcome.spec)}: {outcome.ending}: {outcome.reason}", markup=False
            )

    def stopping(self) -> None:
        """Tell that Ctrl-C was heard."""
        self._progress.console.print(STOPPING)


def watcher(total: int) -> PlainWatcher | BarWatcher:
    """Give bars on a terminal and plain lines elsewhere."""
    return BarWatcher(total) if sys.stderr.isatty() else PlainWatcher(total)


def label(spec: RunSpec) -> str:
    """Name a run for people."""
    return f"{spec.dataset} {spec.method} seed {spec.seed}"


def describe(status: dict[str, Any]) -> str:
    """Say in a few words what a worker has told."""
    if status.get("doing"):
        return f"{status['doing']}: {status.get('step')} of {status.get('steps')} photos"
    words = [f"step {status.get('step')}" + (f" of {status['steps']}" if status.get("steps") else "")]
    loss = status.get("loss")
    if isinstance(loss, float):
        words.append(f"loss {loss:.4f}")
    return ", ".join(words)
