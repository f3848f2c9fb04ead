"""From the options of `run` to a suite."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from infoseg_bench.errors import UsageError, unknown_name

if TYPE_CHECKING:
    from infoseg_bench.contracts.registry import Registry
    from infoseg_bench.planning.suite import Suite


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What `run` was asked for; None or empty where nothing was said.

    Attributes:
        everything: whether all prepared data sets and all methods are wanted
        suite: name or file of a suite
        datasets: names of data sets
        methods: names of methods
        seeds: such as "0-4" or "0,3,7-9"
        settings: parameters, as METHOD.PARAMETER=VALUE
        parameters: the same by method and name; `settings` come after them
        steps: training steps of every method that trains
        evaluate_every: steps between two evaluations
        protocol: label table of the data sets
        preset: name that a shipped suite gives its parameters and budgets
    """

    everything: bool = False
    suite: str | None = None
    datasets: Sequence[str] = ()
    methods: Sequence[str] = ()
    seeds: str | None = None
    settings: Sequence[str] = ()
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    steps: int | None = None
    evaluate_every: int | None = None
    protocol: str | None = None
    preset: str | None = None


def chosen_suite(
    selection: Selection, prepared: Sequence[str], registry: Registry, *, obtainable: Collection[str]
) -> Suite:
    """Return the suite that was named, or one made of the choices; choices narrow and override it.

    Args:
        selection: the choices
        prepared: names of the data sets that are prepared
        registry: of the methods
        obtainable: names of the data sets that can be prepared

    Raises:
        UsageError: nothing was chosen, or something unknown
    """
    base = _base(selection, prepared, registry, obtainable)
    if selection.preset:
        _apply_preset(base, selection.preset)
    if selection.datasets:
        base["datasets"] = list(selection.datasets)
    if selection.methods:
        base["methods"] = list(selection.methods)
    if selection.protocol:
        base["protocol"] = selection.protocol
    override = {
        "steps": selection.steps,
        "evaluate_every": selection.evaluate_every,
        "seeds": parse_seeds(selection.seeds) if selection.seeds else None,
    }
    base["budgets"] = [*base.get("budgets", []), override]
    _check_settings(selection.settings, base["methods"], registry)
    parameters = base.get("parameters", {})
    chosen = {method: {**parameters.get(method, {}), **own} for method, own in selection.parameters.items()}
    base["parameters"] = merge_settings({**parameters, **chosen}, selection.settings)
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
        raise UsageError("nothing chosen: give --all, --suite NAME, or both --dataset and --method")
    return {
        "title": "chosen on the command line",
        "datasets": list(prepared),
        "methods": sorted(registry.methods),
        "seeds": [0],
    }


def _apply_preset(base: dict[str, Any], name: str) -> None:
    """Put the parameters and budgets of a preset in place of the suite's."""
    from infoseg_bench.planning.suite import presets

    known = presets()
    if name not in known:
        raise unknown_name("preset", name, known)
    given = known[name].model_dump()
    base.update(budget=given["budget"], budgets=given["budgets"])
    own = base.get("parameters", {})
    merged = {method: {**own.get(method, {}), **values} for method, values in given["parameters"].items()}
    base["parameters"] = {**own, **merged}


def _check_settings(settings: Sequence[str], methods: Collection[str], registry: Registry) -> None:
    for setting in settings:
        method = setting.partition("=")[0].partition(".")[0]
        if method in registry.methods and method not in methods:
            raise UsageError(
                f"--set {setting}: {method} is not among the methods of this run ({', '.join(methods)})"
            )


def parse_seeds(text: str) -> list[int]:
    """Read seeds such as "0-4" or "0,3,7-9".

    Raises:
        UsageError: not such a list
    """
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        try:
            seeds += range(int(first), int(last if dash else first) + 1)
        except ValueError:
            raise UsageError(f"--seeds {text}: write numbers and ranges, such as 0-4 or 0,3,7-9") from None
    if not seeds:
        raise UsageError(f"--seeds {text}: an empty range")
    return list(dict.fromkeys(seeds))


def merge_settings(base: dict[str, dict[str, Any]], settings: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Add settings such as "iic.lr=1e-4" to parameters by method.

    Raises:
        UsageError: not such a setting
    """
    merged = {method: dict(values) for method, values in base.items()}
    for setting in settings:
        target, equals, text = setting.partition("=")
        method, dot, name = target.partition(".")
        if not (equals and dot and name):
            raise UsageError(f"--set {setting}: write METHOD.PARAMETER=VALUE, such as iic.lr=1e-4")
        merged.setdefault(method, {})[name] = _value(text)
    return merged


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _validate(base: dict[str, Any]) -> Suite:
    from pydantic import ValidationError

    from infoseg_bench.errors import first_mistake
    from infoseg_bench.planning.suite import Suite

    try:
        return Suite.model_validate(base)
    except ValidationError as error:
        raise UsageError(str(first_mistake(error))) from None
