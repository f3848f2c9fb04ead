"""Turn the options of `infoseg-bench run` into a suite."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from infoseg_bench.errors import UsageError, first_mistake, unknown_name

if TYPE_CHECKING:
    from infoseg_bench.contracts import Method
    from infoseg_bench.contracts.registry import Registry
    from infoseg_bench.planning.suite import Suite

Parameters = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The options of `infoseg-bench run`; None or empty if not given.

    Attributes:
        everything: whether to use all prepared data sets and all methods
        suite: name or file of a suite
        datasets: names of data sets
        methods: names of methods
        seeds: seeds with which every method is run on every data set
        parameters: parameters other than the defaults, by method and name
        steps: training steps of every method that is trained in steps
        evaluate_every: steps between two evaluations
        protocol: name of the label table
        preset: name of a preset, whose parameters and budgets replace the suite's
        postprocess: post-processing of every method's scores
    """

    everything: bool = False
    suite: str | None = None
    datasets: Sequence[str] = ()
    methods: Sequence[str] = ()
    seeds: Sequence[int] | None = None
    parameters: Parameters = field(default_factory=dict)
    steps: int | None = None
    evaluate_every: int | None = None
    protocol: str | None = None
    preset: str | None = None
    postprocess: str | None = None


def chosen_suite(
    selection: Selection, prepared: Sequence[str], registry: Registry, *, obtainable: Collection[str]
) -> Suite:
    """Return the suite named by the options, or a new one; other options override its values.

    Args:
        selection: the options
        prepared: names of the prepared data sets
        registry: the methods
        obtainable: names of the data sets that can be prepared

    Raises:
        UsageError: nothing was chosen, or a name or value is invalid
    """
    base = _base(selection, prepared, registry, obtainable)
    if selection.preset:
        _apply_preset(base, selection.preset)
    if selection.datasets:
        base["datasets"] = list(selection.datasets)
    if selection.methods:
        base["methods"] = list(selection.methods)
    for name, value in (("protocol", selection.protocol), ("postprocess", selection.postprocess)):
        if value:
            base[name] = value
    override = {
        "steps": selection.steps,
        "evaluate_every": selection.evaluate_every,
        "seeds": None if selection.seeds is None else list(selection.seeds),
    }
    base["budgets"] = [*base.get("budgets", []), override]
    _refuse_unused(selection.parameters, base["methods"], registry)
    base["parameters"] = _merged(base.get("parameters", {}), selection.parameters)
    return _validate(base)


def _base(
    selection: Selection, prepared: Sequence[str], registry: Registry, obtainable: Collection[str]
) -> dict[str, Any]:
    from infoseg_bench.planning.suite import read_suite

    if selection.suite:
        file = read_suite(selection.suite)
        file.check(registry, {*prepared, *obtainable})
        return file.suite.model_dump()
    if not (selection.everything or (selection.datasets and selection.methods)):
        raise UsageError("nothing chosen: use --all, --suite NAME, or both --dataset and --method")
    return {
        "title": "chosen on the command line",
        "datasets": list(prepared),
        "methods": [
            name for name in sorted(registry.methods) if _is_given(registry.methods[name], selection)
        ],
        "seeds": [0],
    }


def _is_given(method: type[Method], selection: Selection) -> bool:
    """Return whether a method has all that it needs: one that needs a file is run only if it is given."""
    try:
        method.check_given(method.resolve("", selection.parameters.get(method.name, {})))
    except UsageError:
        return method.name in selection.parameters
    return True


def _apply_preset(base: dict[str, Any], name: str) -> None:
    """Replace the suite's budgets and override its parameters by those of a preset."""
    from infoseg_bench.planning.suite import presets

    known = presets()
    if name not in known:
        raise unknown_name("preset", name, known)
    given = known[name].model_dump()
    base.update(budget=given["budget"], budgets=given["budgets"])
    base["parameters"] = _merged(base.get("parameters", {}), given["parameters"])


def _merged(base: Parameters, given: Parameters) -> dict[str, dict[str, Any]]:
    return {method: {**base.get(method, {}), **given.get(method, {})} for method in {**base, **given}}


def _refuse_unused(parameters: Parameters, methods: Collection[str], registry: Registry) -> None:
    chosen = [registry.method(method).name for method in methods]
    for method, values in parameters.items():
        if method in registry.methods and method not in chosen:
            settings = ", ".join(f"{method}.{name}={value}" for name, value in values.items())
            raise UsageError(
                f"{settings}: {method} is not among the methods of this run ({', '.join(chosen)})"
            )


def _validate(base: dict[str, Any]) -> Suite:
    from pydantic import ValidationError

    from infoseg_bench.planning.suite import Suite

    try:
        return Suite.model_validate(base)
    except ValidationError as error:
        raise UsageError(str(first_mistake(error))) from None
