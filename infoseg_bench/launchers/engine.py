"""Base class of the engines: the loop that starts runs, follows them and stops them on Ctrl-C."""

from __future__ import annotations

import signal
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

from infoseg_bench.launchers.attempt import Limits
from infoseg_bench.launchers.outcome import Outcome, Watcher
from infoseg_bench.launchers.queue import Queue, Waiting
from infoseg_bench.launchers.work import Work
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.records.spec import RunSpec


@dataclass(kw_only=True, eq=False)
class ActiveRun:
    """A run that an engine has started or submitted. Each engine adds its handle of the worker.

    Attributes:
        waiting: the run and its number of attempts
        started: whether the watcher has been informed of the worker's start
        status: the last status of which the watcher has been informed
    """

    waiting: Waiting
    started: bool = False
    status: dict[str, Any] = field(default_factory=dict)

    @property
    def spec(self) -> RunSpec:
        """The run's spec."""
        return self.waiting.spec


Active = TypeVar("Active", bound=ActiveRun)


@dataclass(kw_only=True)
class BaseEngine(ABC, Generic[Active]):
    """Executes runs, each in a separate process.

    A subclass implements how runs are started, polled and stopped.

    Attributes:
        work: settings of the runs that do not affect their results
        watcher: receives all events
        limits: limits of every run
    """

    work: Work
    watcher: Watcher
    limits: Limits = field(default_factory=Limits)
    active: list[Active] = field(default_factory=list, init=False)
    _stops: int = field(default=0, init=False)
    _stops_passed_on: int = field(default=0, init=False)

    signals: ClassVar[Sequence[signal.Signals]] = (signal.SIGINT, signal.SIGTERM)
    """Signals that ask to stop."""
    poll_seconds: ClassVar[float] = 0.5
    """Time between two checks of the runs; chosen by this project."""

    def run(self, specs: Sequence[RunSpec]) -> list[Outcome]:
        """Execute runs; a failed run does not affect the others.

        The first Ctrl-C lets active runs save a checkpoint and starts no more; the second stops them at once.

        Returns:
            the outcome of every run that was started
        """
        outcomes = list[Outcome]()
        with self.session(), self._counting_stops():
            self.active = self.adopt([Waiting(spec) for spec in specs])
            adopted = {run.spec.identity for run in self.active}
            rest = [spec for spec in specs if spec.identity not in adopted]
            queue = Queue(self.work, rest, watcher=self.watcher, retries=self.limits.retries)
            while self.active or (queue and not self.stopped):
                outcomes += self._fill(queue)
                self.wait()
                self._pass_stops_on()
                outcomes += self._collect(queue)
        return outcomes

    @property
    def stopped(self) -> bool:
        """Whether the user has asked to stop."""
        return self._stops > 0

    @property
    def stopped_at_once(self) -> bool:
        """Whether the active runs were stopped without saving their state."""
        return self._stops_passed_on > 1

    def session(self) -> AbstractContextManager[Any]:
        """Return a context that is open while runs are executed, such as a connection."""
        return nullcontext()

    def adopt(self, runs: Sequence[Waiting]) -> list[Active]:
        """Return the runs that an earlier launcher has started and that are still active."""
        return []

    def free_slots(self) -> int:
        """Return how many more runs may be started; by default there is no limit."""
        return sys.maxsize

    @abstractmethod
    def start(self, runs: Sequence[Waiting], queue: Queue) -> None:
        """Start runs and add them to `active`; runs claimed by another launcher are returned to the queue."""

    def wait(self) -> None:
        """Wait until the next check of the runs."""
        time.sleep(self.poll_seconds)

    @abstractmethod
    def poll(self, run: Active) -> Outcome | None:
        """Return how a run has ended; None if it is still active."""

    @abstractmethod
    def stop(self, *, now: bool) -> None:
        """Ask the active runs to save their state and stop; with `now`, end them at once."""

    def begin(self, run: Active) -> None:
        """Inform the watcher, once, that a run has started."""
        if not run.started:
            run.started = True
            self.watcher.started(run.spec)

    def _fill(self, queue: Queue) -> list[Outcome]:
        free, batch, outcomes = self.free_slots(), list[Waiting](), list[Outcome]()
        while not self.stopped and len(batch) < free and (item := queue.next()) is not None:
            if isinstance(item, Waiting):
                batch.append(item)
            else:
                self.watcher.ended(item)
                outcomes.append(item)
        if batch:
            self.start(batch, queue)
        return outcomes

    def _collect(self, queue: Queue) -> list[Outcome]:
        outcomes = list[Outcome]()
        for run in list(self.active):
            outcome = self.poll(run)
            if outcome is None:
                self._follow(run)
                continue
            self.active.remove(run)
            self.begin(run)
            final = queue.settle(run.waiting, outcome, stopped=self.stopped)
            if final is not None:
                outcomes.append(final)
        return outcomes

    def _follow(self, run: Active) -> None:
        status = RunFolder.of(self.work.results, run.spec).status()
        if status and status != run.status:
            run.status = status
            self.begin(run)
            self.watcher.moved(run.spec, status)

    def _pass_stops_on(self) -> None:
        if self._stops == self._stops_passed_on:
            return
        if not self._stops_passed_on:
            self.watcher.stopping()
        self._stops_passed_on = self._stops
        self.stop(now=self.stopped_at_once)

    @contextmanager
    def _counting_stops(self) -> Iterator[None]:
        before = {number: signal.signal(number, self._on_signal) for number in self.signals}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: object) -> None:
        self._stops += 1
