"""The interface of a logger, and the follower that keeps its logs in step with the runs' curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from infoseg_bench.records.curve import read_curve
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.records.spec import RunSpec


@runtime_checkable
class RunLog(Protocol):
    """The open log of one run."""

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Add one line of the curve, such as the loss, or the pixel accuracy of an evaluation."""

    def flush(self) -> None:
        """Make everything that was added visible to readers."""

    def close(self, state: str) -> None:
        """Finish the log.

        Args:
            state: of the run, such as "finished", "failed" or "interrupted"
        """


@runtime_checkable
class Logger(Protocol):
    """A tool that shows curves."""

    def open(self, spec: RunSpec) -> RunLog:
        """Start the log of a run, in place of one that was written before."""


class CurveFollower:
    """Keeps a logger's logs equal to the `curve.jsonl` of the runs, which stays the only source."""

    def __init__(self, logger: Logger) -> None:
        """Take the logger; nothing is opened yet."""
        self._logger = logger
        self._open: dict[str, tuple[RunLog, list[dict[str, Any]]]] = {}

    def follow(self, run: RunFolder) -> None:
        """Add what is new on the curve of a run.

        A run that went back to a checkpoint has a curve that does not continue what was logged: its log
        is started anew, so that no step appears twice.
        """
        lines = read_curve(run.curve_file)
        log, written = self._open.get(run.path.name, (None, []))
        if log is None or lines[: len(written)] != written:
            if log is not None:
                log.close("interrupted")
            log, written = self._logger.open(run.spec()), []
            self._open[run.path.name] = log, written
        for line in lines[len(written) :]:
            log.add(int(line["step"]), {name: value for name, value in line.items() if name != "step"})
        log.flush()
        self._open[run.path.name] = log, lines

    def end(self, run: RunFolder) -> None:
        """Add what is new on a curve that will not grow any more, and close its log."""
        self.follow(run)
        log, _ = self._open.pop(run.path.name)
        log.close(run.state())
