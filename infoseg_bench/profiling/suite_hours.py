"""Estimate of the time that a suite takes on this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch

from infoseg_bench.contracts import DatasetRecipe, Method, Parameters, Task
from infoseg_bench.contracts.registry import Registry
from infoseg_bench.data.catalogue import PreparedDataset
from infoseg_bench.planning.cost import StepCost
from infoseg_bench.planning.suite import Suite
from infoseg_bench.profiling.clock import seconds_per_call
from infoseg_bench.profiling.measure import COURSE, training, warmed
from infoseg_bench.profiling.stage import random_stage, unprepared_task
from infoseg_bench.profiling.step_times import StepTimes, work_key
from infoseg_bench.runs.loading import task_of
from infoseg_bench.runs.prediction import EVALUATION_BATCH

COVERS = (
    "Included: training steps, one run after the other, and evaluations if the data set is prepared. Not "
    "included: preparing and loading data, methods that are not trained in steps, several runs at a time."
)
Announce = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class SuiteEstimate:
    """Estimated hours of a suite.

    Attributes:
        suite: name of the suite
        hours: total of the included methods
        by_method: hours by method
        assumed: data sets that are not prepared; their evaluations are not included, and their crop,
            channels and classes are those of their recipes, or else COCO-Stuff's
        left_out: methods that are not included, such as those not trained in steps
    """

    suite: str
    hours: float
    by_method: dict[str, float]
    assumed: list[str]
    left_out: list[str]


@dataclass(kw_only=True)
class Estimator:
    """Measures methods with a suite's parameters, each combination of parameters and sizes once.

    Attributes:
        registry: the methods
        recipes: the data sets
        prepared: the prepared data sets
        device: the device to measure on
        compile: whether to compile networks with torch.compile
        cuda_graph: whether to record training steps as CUDA graphs
        seconds: approximate time of each measurement; at least one step is timed
        announce: called with a line of text before every measurement
    """

    registry: Registry
    recipes: Mapping[str, type[DatasetRecipe]]
    prepared: Mapping[str, PreparedDataset]
    device: torch.device
    compile: bool
    cuda_graph: bool
    seconds: float
    announce: Announce
    _known: dict[str, StepCost] = field(default_factory=dict)

    def estimate(self, name: str, suite: Suite, methods: list[str]) -> SuiteEstimate:
        """Return the estimate of a suite, restricted to `methods`."""
        chosen = [method for method in suite.methods if method in methods]
        trained = [method for method in chosen if self.registry.method(method).is_iterative]
        hours = {method: self._hours(suite, self.registry.method(method)) for method in trained}
        return SuiteEstimate(
            suite=name,
            hours=sum(hours.values(), start=0.0),
            by_method=hours,
            assumed=[dataset for dataset in suite.datasets if dataset not in self.prepared],
            left_out=[method for method in suite.methods if method not in trained],
        )

    def _hours(self, suite: Suite, cls: type[Method]) -> float:
        seconds = 0.0
        for dataset in suite.datasets:
            for variant in suite.variants.get(cls.name, [{}]):
                parameters = cls.resolve(dataset, {**suite.parameters.get(cls.name, {}), **variant})
                cost = self._measured(cls, parameters, self._task(dataset))
                budget = suite.budget_of(cls, dataset)
                if budget is None:
                    continue
                run = cost.seconds(budget, done=0, scored=self._scored(dataset))
                seconds += run * len(suite.seeds_of(cls.name, dataset))
        return seconds / 3600

    def _task(self, dataset: str) -> Task:
        return (
            task_of(self.prepared[dataset])
            if dataset in self.prepared
            else unprepared_task(dataset, self.recipes)
        )

    def _scored(self, dataset: str) -> int:
        return len(self.prepared[dataset].view.evaluation) if dataset in self.prepared else 0

    def _measured(self, cls: type[Method], parameters: Parameters, task: Task) -> StepCost:
        """Return the cost of a training step and of a prediction, and save it for later plans."""
        key = work_key(cls.name, cls.version, parameters.model_dump(mode="json"), task)
        if key not in self._known:
            self.announce(f"{cls.name} on {task.crop}x{task.crop} crops, K = {task.clusters}")
            stage = random_stage(task)
            method = stage.make(
                cls, parameters, self.device, compile=self.compile, cuda_graph=self.cuda_graph
            )
            steps = warmed(training(method, stage.images(method)), method)
            step = seconds_per_call(steps, self.device, seconds=self.seconds) / COURSE
            self._known[key] = StepCost(step=step, image=self._prediction(method, task))
            if not self.compile and not self.cuda_graph:
                StepTimes(self.device, torch.get_num_threads()).put(key, self._known[key])
        return self._known[key]

    def _prediction(self, method: Method, task: Task) -> float:
        images = torch.rand(EVALUATION_BATCH, task.channels, task.crop, task.crop, device=self.device)
        try:
            predicting = seconds_per_call(
                lambda: method.predict(images), self.device, seconds=self.seconds / 5
            )
        # Methods that cluster features after training cannot predict before that.
        except RuntimeError:
            return 0.0
        return predicting / EVALUATION_BATCH
