"""The interface of a logger, and a follower that keeps its logs up to date with the runs' curves."""

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
        """Write all added values, so that readers see them."""

    def close(self, state: str) -> None:
        """Finish the log.

        Args:
            state: state of the run, such as "finished", "failed" or "interrupted"
        """


@runtime_checkable
class Logger(Protocol):
    """A tool that stores or shows curves."""

    def open(self, spec: RunSpec) -> RunLog:
        """Start the log of a run; an earlier log of the same run is replaced."""


class CurveFollower:
    """Copies the `curve.jsonl` of runs to a logger, line by line as they grow."""

    def __init__(self, logger: Logger) -> None:
        """Create a follower that has not opened any log yet."""
        self._logger = logger
        self._open: dict[str, tuple[RunLog, list[dict[str, Any]]]] = {}

    def follow(self, run: RunFolder) -> None:
        """Add the new lines of a run's curve.

        If the run has gone back to a checkpoint, its curve has lost lines that are already in the log. The
        log is then started again, so that no step appears twice.
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
        """Add the last lines of a run that has ended, and close its log."""
        self.follow(run)
        log, _ = self._open.pop(run.path.name)
        log.close(run.state())
