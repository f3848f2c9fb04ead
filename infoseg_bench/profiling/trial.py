"""Timing of training steps in a separate process, which is stopped at a deadline.

Run as a program, this module is that process: it reads jobs as JSON from standard input, and writes one line
of JSON per job to standard output.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from infoseg_bench.contracts import Method, Parameters, Task
from infoseg_bench.contracts.registry import load_methods
from infoseg_bench.launchers.processes import kill_tree
from infoseg_bench.planning.cost import StepCost
from infoseg_bench.planning.outline import Outline
from infoseg_bench.planning.planned import PlannedRun
from infoseg_bench.profiling.clock import wait
from infoseg_bench.profiling.measure import COURSE, training
from infoseg_bench.profiling.stage import Stage, random_stage
from infoseg_bench.profiling.step_times import StepTimes, work_key
from infoseg_bench.runs.prediction import EVALUATION_BATCH
from infoseg_bench.utils.device import choose_device

TRIAL_SECONDS = 60.0
"""Maximum time of all trials of a plan together; chosen by this project."""
WORTHWHILE_STEPS = 1000
"""Minimum number of steps in a plan that makes trials worthwhile; chosen by this project."""
JOB_SECONDS = 6.0
"""Maximum time per job; chosen by this project."""
SMALL_BATCHES = (2, 4)
"""Batch sizes from which the time of a batch that takes too long is extrapolated; chosen by this project."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A method to time.

    Attributes:
        method: name of the method
        version: version of the method
        parameters: all its parameters
        task: channels, crop and number of clusters
    """

    method: str
    version: int
    parameters: Mapping[str, Any]
    task: Task

    @classmethod
    def of(cls, run: PlannedRun, outline: Outline) -> Job:
        """Return the job that times the steps of a run."""
        spec = run.spec
        return cls(
            method=spec.method, version=spec.method_version, parameters=spec.parameters, task=outline.task
        )

    @property
    def key(self) -> str:
        """A text that is equal for jobs with equal work."""
        return work_key(self.method, self.version, self.parameters, self.task)

    @property
    def pixels(self) -> int:
        """Number of pixels in a batch."""
        return int(self.parameters.get("batch", 1)) * self.task.crop**2

    def resembles(self, other: Job, varied: Collection[str]) -> bool:
        """Return whether another job differs only in its data set and in the parameters `varied`."""
        own, others = (
            {name: value for name, value in job.parameters.items() if name not in varied}
            for job in (self, other)
        )
        return self.method == other.method and own == others


def with_timed_costs(
    runs: Sequence[PlannedRun],
    outlines: Mapping[str, Outline],
    *,
    device: str,
    threads: int,
    plugins: Sequence[Path] = (),
    seconds: float = TRIAL_SECONDS,
) -> list[PlannedRun]:
    """Return the runs of a plan, with the costs of those that have none yet.

    They are taken from measurements of `infoseg-bench speed`, or else estimated by timing a few steps.

    Args:
        runs: the runs of the plan
        outlines: outlines of its data sets by name
        device: "auto" or a torch device
        threads: number of CPU threads of a run
        plugins: files with more methods
        seconds: maximum time of all trials together
    """
    measured = StepTimes(choose_device(device), threads)
    runs = [_with_measured_cost(run, outlines[run.spec.dataset], measured) for run in runs]
    unknown = [run for run in runs if _cost_is_unknown(run)]
    if sum(run.spec.budget.steps - run.step for run in unknown if run.spec.budget) < WORTHWHILE_STEPS:
        return runs
    found = (Job.of(run, outlines[run.spec.dataset]) for run in unknown)
    jobs = list({job.key: job for job in found}.values())
    # One job of every method comes first, in case the time is not enough for all.
    first = {job.method: job for job in reversed(jobs)}.values()
    ordered = [*first, *(job for job in jobs if job not in first)]
    timed = time_jobs(ordered, device=device, threads=threads, plugins=plugins, seconds=seconds)
    costs = _Costs(ordered, timed, plugins)
    return [costs.put(run, outlines[run.spec.dataset]) if run in unknown else run for run in runs]


def _cost_is_unknown(run: PlannedRun) -> bool:
    return run.to_do and run.seconds is None and run.spec.budget is not None


def _with_measured_cost(run: PlannedRun, outline: Outline, measured: StepTimes) -> PlannedRun:
    cost, budget = measured.get(Job.of(run, outline).key), run.spec.budget
    if cost is None or budget is None or not _cost_is_unknown(run):
        return run
    seconds = cost.seconds(budget, done=run.step, scored=outline.scored)
    return replace(run, seconds=seconds, basis="speed")


class _Costs:
    """Costs of timed jobs, and of jobs that resemble a timed one."""

    def __init__(self, jobs: Sequence[Job], timed: Mapping[str, StepCost], plugins: Sequence[Path]) -> None:
        self._jobs, self._timed = [job for job in jobs if job.key in timed], timed
        self._methods = load_methods(plugins).methods

    def put(self, run: PlannedRun, outline: Outline) -> PlannedRun:
        """Return the run with its cost if that is known, else unchanged."""
        job, budget = Job.of(run, outline), run.spec.budget
        timed = job.key in self._timed
        like = job if timed else next((other for other in self._jobs if self._near(job, other)), None)
        if like is None or budget is None:
            return run
        cost, enlarged = self._timed[like.key], (job.task.crop / like.task.crop) ** 2
        cost = StepCost(step=cost.step * job.pixels / like.pixels, image=cost.image * enlarged)
        seconds = cost.seconds(budget, done=run.step, scored=outline.scored)
        return replace(run, seconds=seconds, basis="timed steps" if timed else "scaled steps")

    def _near(self, job: Job, other: Job) -> bool:
        presets = self._methods[job.method].presets.values()
        return job.resembles(other, {name for values in presets for name in values})


def time_jobs(
    jobs: Sequence[Job], *, device: str, threads: int, plugins: Collection[Path], seconds: float
) -> dict[str, StepCost]:
    """Time jobs in a separate process, which is stopped after `seconds`.

    Args:
        jobs: the methods, parameters and sizes to time
        device: name of the device
        threads: number of CPU threads of the process
        plugins: files with more methods
        seconds: time after which jobs without a result are left out

    Returns:
        the costs of the jobs that could be timed, by `Job.key`
    """
    work = {
        "device": device, "threads": threads, "plugins": [str(path) for path in plugins],
        "seconds": seconds, "jobs": [{"key": job.key, **asdict(job)} for job in jobs],
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "infoseg_bench.profiling.trial"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        answer, _ = process.communicate(json.dumps(work), timeout=seconds)
    except subprocess.TimeoutExpired:
        kill_tree(process.pid)
        answer, _ = process.communicate()
    finally:
        kill_tree(process.pid)
    costs = {}
    for line in answer.splitlines():
        # The last line may be cut off.
        with suppress(ValueError):
            found = json.loads(line)
            costs[found["key"]] = StepCost(step=found["step"], image=found["image"])
    return costs


def _work(work: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    torch.set_num_threads(work["threads"])
    registry, device = load_methods([Path(path) for path in work["plugins"]]), choose_device(work["device"])
    ends = time.monotonic() + work["seconds"]
    for index, job in enumerate(work["jobs"]):
        left = (ends - time.monotonic()) / (len(work["jobs"]) - index)
        method, task = registry.method(job["method"]), Task(**job["task"])
        parameters = method.parameters_type.parse(job["parameters"], method.name)
        stage = random_stage(task)
        # Errors of a method are ignored here: its run will report them.
        with suppress(Exception):
            timer = _Timer(method, stage, device, min(left, JOB_SECONDS))
            yield {"key": job["key"], "step": timer.step(parameters), "image": timer.image(parameters)}


@dataclass(frozen=True)
class _Timer:
    """Times a method within a number of seconds."""

    method: type[Method]
    stage: Stage
    device: torch.device
    seconds: float

    def step(self, parameters: Parameters) -> float:
        """Return the seconds per training step, extrapolated from small batches if it takes too long."""
        batch = getattr(parameters, "batch", 0)
        few, more = SMALL_BATCHES
        if batch <= more:
            return self._step(parameters)
        small = self._step(parameters.model_copy(update={"batch": few}))
        if 2 * small * batch / few < self.seconds:
            return self._step(parameters)
        larger = self._step(parameters.model_copy(update={"batch": more}))
        return small + max(0.0, larger - small) * (batch - few) / (more - few)

    def image(self, parameters: Parameters) -> float:
        """Return the seconds to predict one image; 0 for methods that first cluster features."""
        task = self.stage.task
        method = self.stage.make(self.method, parameters, self.device)
        # A GPU predicts a batch about as fast as one image; on a CPU the time is proportional to the batch.
        count = 1 if self.device.type == "cpu" else EVALUATION_BATCH
        images = torch.rand(count, task.channels, task.crop, task.crop, device=self.device)
        try:
            return self._mean(lambda: method.predict(images)) / count
        except RuntimeError:
            return 0.0

    def _step(self, parameters: Parameters) -> float:
        method = self.stage.make(self.method, parameters, self.device)
        return self._mean(training(method, self.stage.images(method))) / COURSE

    def _mean(self, call: Callable[[], object]) -> float:
        """Return the mean time of calls after the first one, or the time of the first one if it is long."""
        first, times = self._timed(call), list[float]()
        if first > self.seconds / 4:
            return first
        while not times or (sum(times) < self.seconds / 4 and len(times) < 20):
            times.append(self._timed(call))
        return sum(times) / len(times)

    def _timed(self, call: Callable[[], object]) -> float:
        wait(self.device)
        began = time.perf_counter()
        call()
        wait(self.device)
        return time.perf_counter() - began


def main() -> None:
    """Time the jobs read from standard input."""
    for line in _work(json.load(sys.stdin)):
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
