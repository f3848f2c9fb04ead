"""Suites: which methods on which data sets with which seeds and budgets, as a TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from infoseg_bench.contracts.registry import Registry
from infoseg_bench.errors import Mistake, UsageError, UserError, first_mistake, unknown_name
from infoseg_bench.planning.suite_lines import line_of
from infoseg_bench.records.spec import Budget
from infoseg_bench.utils.text import read_text

DEFAULT_BUDGET = Budget(steps=10_000, evaluate_every=500)
"""Chosen by this project: InfoSeg states no number of steps. Twenty points on the curve."""


class Suite(BaseModel):
    """A grid of runs."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    title: str
    """What the suite is for."""
    datasets: list[str] = Field(min_length=1)
    """Names of data sets."""
    methods: list[str] = Field(min_length=1)
    """Names of methods."""
    seeds: list[int] = Field(min_length=1)
    """Every method is run once with each."""
    protocol: str = "corrected"
    """Label table of the data sets."""
    budget: Budget = DEFAULT_BUDGET
    """Of every method that trains."""
    parameters: dict[str, dict[str, Any]] = {}
    """Method to parameter names and values that differ from its defaults."""
    variants: dict[str, list[dict[str, Any]]] = {}
    """Method to parameter sets, each of which is run, on top of `parameters`; without it there is one."""
    prepare: dict[str, dict[str, Any]] = {}
    """Embedded data set to the options it is prepared with."""


def shipped_suites() -> list[str]:
    """Return the names of the suites in the package."""
    folder = files("infoseg_bench") / "suites"
    return sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml"))


@dataclass(frozen=True)
class SuiteFile:
    """A suite and the text that it was read from.

    Attributes:
        suite: as it was read
        text: of the file
        origin: name of a shipped suite, or the file's path
    """

    suite: Suite
    text: str
    origin: str

    def check(self, registry: Registry, datasets: Collection[str]) -> None:
        """Check every name that the file gives against what there is.

        Raises:
            UsageError: an unknown method, data set or parameter, with file, line and key
        """
        suite = self.suite
        for index, name in enumerate(suite.datasets):
            if name not in datasets:
                self._refuse(("datasets", index), unknown_name("data set", name, datasets))
        for name in suite.methods:
            self._try(("methods",), registry.method, name)
        for name, values in suite.parameters.items():
            self._check_parameters(registry, ("parameters", name), name, values)
        for name, variants in suite.variants.items():
            for index, values in enumerate(variants):
                self._check_parameters(registry, ("variants", name, index), name, values)

    def _check_parameters(
        self, registry: Registry, path: Sequence[str | int], method: str, values: Mapping[str, Any]
    ) -> None:
        self._try(path, registry.method, method)
        for name, value in values.items():
            self._try((*path, name), registry.method(method).resolve, "", {name: value})

    def _try(self, path: Sequence[str | int], look: Callable[..., object], *words: object) -> None:
        try:
            look(*words)
        except UsageError as error:
            self._refuse(path, error)

    def _refuse(self, path: Sequence[str | int], error: UsageError) -> NoReturn:
        raise _mistake(self.origin, self.text, path, str(error)) from None


def load_suite(name: str) -> Suite:
    """Read a shipped suite by name, or any by its file's path.

    Raises:
        UsageError: unknown name, no such file, or a mistake in it
    """
    return read_suite(name).suite


def read_suite(name: str) -> SuiteFile:
    """Read a suite with its text.

    Raises:
        UsageError: unknown name, no such file, or a mistake in it, with file, line and key
    """
    if name in shipped_suites():
        text, origin = (files("infoseg_bench") / "suites" / f"{name}.toml").read_text(), name
    elif name.endswith(".toml") or "/" in name:
        text, origin = _read(Path(name)), name
    else:
        raise unknown_name("suite", name, shipped_suites(), "or give the path of a .toml file")
    try:
        return SuiteFile(Suite.model_validate(tomllib.loads(text)), text, origin)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"suite {origin}: {error}") from None
    except ValidationError as error:
        mistake = first_mistake(error)
        raise _mistake(origin, text, mistake.path, _reason(mistake)) from None


def _mistake(origin: str, text: str, path: Sequence[str | int], words: str) -> UsageError:
    line = line_of(text, path)
    place = f", line {line}" if line is not None else ""
    return UsageError(f"suite {origin}{place}: {'.'.join(map(str, path))}: {words}")


def _reason(mistake: Mistake) -> str:
    if mistake.kind == "extra_forbidden":
        model = Budget if mistake.path[0] == "budget" and len(mistake.path) > 1 else Suite
        return str(unknown_name("key", str(mistake.path[-1]), model.model_fields))
    return mistake.message + ("" if mistake.kind == "missing" else f" (it is {mistake.value!r})")


def _read(path: Path) -> str:
    try:
        return read_text(path, "suite")
    except UserError as error:
        raise UsageError(str(error)) from None
