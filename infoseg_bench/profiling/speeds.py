"""Measure the speed of methods, and estimate how long the shipped suites take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from infoseg_bench.contracts import DatasetRecipe
from infoseg_bench.contracts.registry import Registry, load_methods, load_recipes
from infoseg_bench.data.catalogue import PreparedDataset, find_prepared, prepared_datasets
from infoseg_bench.errors import UsageError
from infoseg_bench.planning.suite import load_suite, shipped_suites
from infoseg_bench.profiling.measure import Speed, measure
from infoseg_bench.profiling.stage import Stage, prepared_stage, random_stage, unprepared_task
from infoseg_bench.profiling.suite_hours import Announce, Estimator, SuiteEstimate
from infoseg_bench.records.provenance import device_model
from infoseg_bench.utils.device import choose_device


@dataclass(frozen=True, kw_only=True)
class Speeds:
    """Measured speeds and estimated times.

    Attributes:
        device: model of the GPU, or of the CPU with its number of threads
        speeds: the speed of each method
        suites: the estimated time of each shipped suite
    """

    device: str
    speeds: list[Speed]
    suites: list[SuiteEstimate]


def measure_speeds(
    methods: Sequence[str],
    *,
    dataset: str | None,
    parameters: Mapping[str, Mapping[str, Any]],
    device: str,
    compile: bool,
    cuda_graph: bool = False,
    seconds: float,
    suites: bool,
    data: Path,
    plugins: Sequence[Path],
    announce: Announce,
) -> Speeds:
    """Measure how fast methods train.

    Args:
        methods: names of methods that are trained in steps; empty: all of them
        dataset: data set to train on; random photos of its sizes if it is not prepared; None: random photos
        parameters: parameters other than the defaults, by method and name; the suites' are not affected
        device: "auto" or the name of a torch device
        compile: whether to compile the networks with torch.compile
        cuda_graph: whether to record training steps as CUDA graphs
        seconds: approximate time to measure each part; at least one step is timed
        suites: whether to estimate the time of the shipped suites
        data: folder of the prepared data sets
        plugins: files with more methods and recipes
        announce: called with a line before every measurement

    Raises:
        UsageError: an unknown method, parameter or data set, or a method that is not trained in steps
    """
    where, registry = choose_device(device), load_methods(plugins)
    names = _iterative(methods, registry)
    for name in parameters:
        registry.method(name)
    recipes, (prepared, _) = load_recipes(plugins).recipes, prepared_datasets(data)
    stage, speeds = _stage(dataset, recipes, prepared, data), []
    for name in names:
        announce(name)
        cls = registry.method(name)
        chosen = cls.resolve(stage.task.dataset, parameters.get(name, {}))
        speeds.append(
            measure(cls, chosen, stage, where, compile=compile, cuda_graph=cuda_graph, seconds=seconds)
        )
    estimator = Estimator(
        registry=registry, recipes=recipes, prepared=prepared, device=where, compile=compile,
        cuda_graph=cuda_graph, seconds=seconds, announce=lambda line: announce(f"for the suites: {line}"),
    )  # fmt: skip
    estimates = [estimator.estimate(name, load_suite(name), names) for name in shipped_suites() if suites]
    threads = "" if where.type == "cuda" else f", {torch.get_num_threads()} threads"
    return Speeds(device=device_model(where) + threads, speeds=speeds, suites=estimates)


def _iterative(methods: Sequence[str], registry: Registry) -> list[str]:
    found = [name for name in methods or sorted(registry.methods) if registry.method(name).is_iterative]
    for name in methods:
        if name not in found:
            raise UsageError(f"--method {name}: does not train in steps, so it has no speed: leave it out")
    return found


def _stage(
    dataset: str | None,
    recipes: Mapping[str, type[DatasetRecipe]],
    prepared: Mapping[str, PreparedDataset],
    data: Path,
) -> Stage:
    if dataset is None:
        return random_stage()
    if dataset in recipes and dataset not in prepared:
        return random_stage(unprepared_task(dataset, recipes))
    return prepared_stage(find_prepared(data, dataset))
