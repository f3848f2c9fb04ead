"""From a suite to the specs of its runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infoseg_bench.contracts import Method
from infoseg_bench.contracts.registry import Registry
from infoseg_bench.data.catalogue import PreparedDataset
from infoseg_bench.errors import UserError, unknown_name
from infoseg_bench.planning.outline import Outline
from infoseg_bench.planning.suite import Suite
from infoseg_bench.records.spec import RunSpec
from infoseg_bench.runs.prediction import check_postprocess


def plan(
    suite: Suite, datasets: Mapping[str, PreparedDataset | Outline], registry: Registry
) -> list[RunSpec]:
    """Return the specs of all runs of a suite, ordered by data set, method, variant and seed.

    Args:
        suite: the suite
        datasets: all data sets of the suite; specs for one that is not prepared have no fingerprint
        registry: the methods

    Raises:
        UsageError: an unknown method, parameter or protocol, or a parameter without default is missing
        UserError: a data set with a single class
    """
    for name in (*suite.parameters, *suite.variants):
        registry.method(name)
    found = {name: _outline(datasets[name]) for name in suite.datasets}
    for name, outline in found.items():
        _check(name, outline, suite.protocol)
    return [
        _spec(suite, found[dataset], registry.method(method), variant, seed)
        for dataset in suite.datasets
        for method in suite.methods
        for variant in suite.variants.get(method, [{}])
        for seed in suite.seeds_of(method, dataset)
    ]


def _outline(dataset: PreparedDataset | Outline) -> Outline:
    return dataset if isinstance(dataset, Outline) else Outline.of_store(dataset)


def _check(name: str, outline: Outline, protocol: str) -> None:
    if protocol not in outline.protocols:
        raise unknown_name(f"protocol of {name}", protocol, outline.protocols)
    if outline.task.clusters < 2:
        raise UserError(
            f"{name}: K = 1: a segmentation needs at least 2 classes: prepare it with more classes"
        )


def _spec(
    suite: Suite, outline: Outline, method: type[Method], variant: Mapping[str, Any], seed: int
) -> RunSpec:
    dataset = outline.task.dataset
    check_postprocess(method, suite.postprocess)
    parameters = method.resolve(dataset, {**suite.parameters.get(method.name, {}), **variant})
    method.check_given(parameters)
    return RunSpec(
        dataset=dataset,
        fingerprint=outline.fingerprint,
        protocol=suite.protocol,
        method=method.name,
        method_version=method.version,
        parameters=parameters.model_dump(mode="json"),
        budget=suite.budget_of(method, dataset),
        seed=seed,
        postprocess=suite.postprocess,
    )
