"""From the words of a command to a suite."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infoseg_bench.errors import UsageError

if TYPE_CHECKING:
    from infoseg_bench.contracts.registry import Registry
    from infoseg_bench.planning.suite import Suite


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What `run` was asked for; None or empty: not said."""

    everything: bool
    suite: str | None
    datasets: Sequence[str]
    methods: Sequence[str]
    seeds: str | None
    settings: Sequence[str]
    steps: int | None
    evaluate_every: int | None
    protocol: str | None


def chosen_suite(
    selection: Selection, prepared: Sequence[str], registry: Registry, *, obtainable: Collection[str]
) -> Suite:
    """Return the suite that was named, or one made of the choices; choices narrow and override it.

    Args:
        selection: the choices
        prepared: names of the data sets that are
        registry: of the methods
        obtainable: names of the data sets that can be

    Raises:
        UsageError: nothing was chosen, or something unknown
    """
    from infoseg_bench.planning.suite import DEFAULT_BUDGET, read_suite

    base: dict[str, Any] = {
        "title": "chosen on the command line",
        "datasets": list(prepared),
        "methods": sorted(registry.methods),
        "seeds": [0],
    }
    if selection.suite:
        file = read_suite(selection.suite)
        file.check(registry, {*prepared, *obtainable})
        base = file.suite.model_dump()
    elif not (selection.everything or (selection.datasets and selection.methods)):
        raise UsageError("nothing chosen: give --all, --suite NAME, or both --dataset and --method")
    if selection.datasets:
        base["datasets"] = list(selection.datasets)
    if selection.methods:
        base["methods"] = list(selection.methods)
    if selection.seeds:
        base["seeds"] = parse_seeds(selection.seeds)
    if selection.protocol:
        base["protocol"] = selection.protocol
    base["budget"] = _budget(selection, base.get("budget", DEFAULT_BUDGET.model_dump()))
    base["parameters"] = merge_settings(base.get("parameters", {}), selection.settings)
    return _validate(base)


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


def _budget(selection: Selection, base: dict[str, Any]) -> dict[str, Any]:
    steps = selection.steps or base["steps"]
    every = selection.evaluate_every or (max(1, steps // 20) if selection.steps else base["evaluate_every"])
    return {"steps": steps, "evaluate_every": every}


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
