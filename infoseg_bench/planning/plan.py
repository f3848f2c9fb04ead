"""From a suite to the specs of its runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infoseg_bench.contracts import Method
from infoseg_bench.contracts.registry import Registry
from infoseg_bench.data.catalogue import PreparedDataset
from infoseg_bench.errors import UserError, unknown_name
from infoseg_bench.planning.suite import Suite
from infoseg_bench.records.spec import RunSpec


def plan(suite: Suite, datasets: Mapping[str, PreparedDataset], registry: Registry) -> list[RunSpec]:
    """Return every run of a suite: data set by data set, method by method, variant by variant, seed by seed.

    Raises:
        UserError: an unknown method or parameter, or data that cannot be scored
    """
    for name in (*suite.parameters, *suite.variants):
        registry.method(name)
    return [
        _spec(suite, datasets[dataset], registry.method(method), variant, seed)
        for dataset in suite.datasets
        for method in suite.methods
        for variant in suite.variants.get(method, [{}])
        for seed in suite.seeds
    ]


def _spec(
    suite: Suite, prepared: PreparedDataset, method: type[Method], variant: Mapping[str, Any], seed: int
) -> RunSpec:
    view = prepared.view
    if suite.protocol not in view.tables:
        raise unknown_name(f"protocol of {view.name}", suite.protocol, view.tables)
    if len(view.classes) < 2:
        raise UserError(f"{view.name}: K = 1: with one class there is nothing to tell apart: prepare more")
    parameters = method.resolve(view.name, {**suite.parameters.get(method.name, {}), **variant})
    return RunSpec(
        dataset=view.name,
        fingerprint=prepared.store.fingerprint,
        protocol=suite.protocol,
        method=method.name,
        method_version=method.version,
        parameters=parameters.model_dump(mode="json"),
        budget=suite.budget if method.is_iterative else None,
        seed=seed,
    )
