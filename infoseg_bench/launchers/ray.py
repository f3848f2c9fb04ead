"""The Ray engine: each run is a task, on a running cluster or on one that is started for the runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from infoseg_bench.errors import UserError
from infoseg_bench.launchers.engine import ActiveRun, BaseEngine
from infoseg_bench.launchers.node import run_until_cancelled
from infoseg_bench.launchers.outcome import Outcome
from infoseg_bench.launchers.queue import Queue, Waiting
from infoseg_bench.launchers.resources import RayResources
from infoseg_bench.records.folder import INTERRUPTED
from infoseg_bench.records.spec import RunSpec
from infoseg_bench.utils.extras import extra

NODE_DEATHS = 10
"""Maximum number of times that a run's node may die; chosen by this project."""


@dataclass(kw_only=True, eq=False)
class RayRun(ActiveRun):
    """A run that is a Ray task.

    Attributes:
        task: Ray's reference to the task
    """

    task: Any


@dataclass(kw_only=True)
class RayEngine(BaseEngine[RayRun]):
    """Executes runs as tasks of a Ray cluster. If a node dies, its runs are resumed on another one.

    The paths of `work` must be absolute and visible to all nodes.

    Attributes:
        address: address of a running cluster; None: start one on this machine, and end it after the runs
        resources: returns the resources of a run
    """

    address: str | None
    resources: Callable[[RunSpec], RayResources]
    _ray: Any = field(default=None, init=False)
    _ended: set[Any] = field(default_factory=set, init=False)

    @contextmanager
    def session(self) -> Iterator[None]:
        """Connect to the cluster, and disconnect at the end."""
        self._ray = connect(self.address)
        try:
            yield
        finally:
            self._ray.shutdown()

    def start(self, runs: Sequence[Waiting], queue: Queue) -> None:
        """Submit the runs to Ray, which starts them as resources become available."""
        self.active += [RayRun(waiting=run, task=self._submit(run.spec)) for run in runs]

    def wait(self) -> None:
        """Wait until a task has ended, for at most `poll_seconds`."""
        tasks = [run.task for run in self.active]
        if tasks:
            self._ended = set(self._ray.wait(tasks, timeout=self.poll_seconds)[0])
        else:
            super().wait()

    def poll(self, run: RayRun) -> Outcome | None:
        """Return how a task has ended; None if it is still active."""
        if run.task not in self._ended:
            return None
        try:
            ended = self._ray.get(run.task)
        except self._ray.exceptions.RayError as error:
            return self._lost(run.spec, error)
        return self.work.outcome(run.spec, ended.status, stopped=self.stopped, why=ended.why)

    def stop(self, *, now: bool) -> None:
        """Cancel all tasks."""
        for run in self.active:
            self._ray.cancel(run.task, force=now)

    def _submit(self, spec: RunSpec) -> Any:
        resources, folder = self.resources(spec), self.work.folder(spec)
        threads = max(1, resources.cpus // self.work.processes)
        command = self.work.command(spec, threads=threads, gpus=float(resources.gpus))
        options = {"num_cpus": resources.cpus, "num_gpus": resources.gpus, "max_retries": NODE_DEATHS}
        if resources.mem_gb:
            options["memory"] = round(resources.mem_gb * 2**30)
        task = self._ray.remote(run_until_cancelled).options(**options)
        return task.remote(command, folder.path, self.limits)

    def _lost(self, spec: RunSpec, error: Exception) -> Outcome:
        if self.stopped:
            return self.work.outcome(spec, INTERRUPTED, stopped=True)
        return Outcome(spec, "failed", f"Ray: {type(error).__name__}: {str(error).strip().splitlines()[0]}")


def connect(address: str | None) -> Any:
    """Connect to a cluster, or start one on this machine, unless already connected.

    Args:
        address: address of a running cluster; None: start one

    Returns:
        the module ray

    Raises:
        UserError: there is no cluster at that address
        UsageError: Ray is not installed
    """
    # By default Ray reports usage statistics to its developers.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray = extra("ray", "ray")
    if ray.is_initialized():
        return ray
    here = {} if address else {"include_dashboard": False}
    try:
        ray.init(address=address or "local", log_to_driver=False, logging_level="error", **here)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise UserError(
            f"no Ray cluster at {address or 'this machine'}: {str(error).strip().splitlines()[0]}: check "
            "--ray-address"
        ) from None
    return ray


def gpus_if_any(address: str | None, wanted: int) -> int:
    """Return `wanted` if the cluster has a GPU, else 0."""
    return wanted if connect(address).cluster_resources().get("GPU") else 0
