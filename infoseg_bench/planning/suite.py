"""Suites: TOML files with the methods, data sets, seeds and budgets of a grid of runs."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from infoseg_bench.contracts.registry import Registry
from infoseg_bench.errors import Mistake, UsageError, UserError, first_mistake, unknown_name
from infoseg_bench.records.spec import Budget, Postprocess
from infoseg_bench.utils.text import read_text

if TYPE_CHECKING:
    from infoseg_bench.contracts import Method

Value = TypeVar("Value")

DEFAULT_BUDGET = Budget(steps=10_000, evaluate_every=500)
"""Chosen by this project, because the InfoSeg paper states no number of steps: 20 points on the curve."""


def _once(values: list[Value]) -> list[Value]:
    return list(dict.fromkeys(values))


Names = Annotated[list[str], AfterValidator(_once)]
Seeds = Annotated[list[Annotated[int, Field(ge=0)]], AfterValidator(_once)]


class BudgetRule(BaseModel):
    """Budget and seeds for some runs of a suite; for each key, later rules override earlier ones."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    methods: list[str] = []
    """Methods to which the rule applies; empty: all."""
    datasets: list[str] = []
    """Data sets to which the rule applies; empty: all."""
    steps: int | None = Field(default=None, gt=0)
    """Training steps."""
    evaluate_every: int | None = Field(default=None, gt=0)
    """Steps between two evaluations; by default a twentieth of `steps`, if given."""
    seeds: Seeds | None = Field(default=None, min_length=1)
    """Seeds, instead of the suite's."""

    def covers(self, method: str, dataset: str) -> bool:
        """Return whether the rule applies to the runs of a method on a data set."""
        return method in (self.methods or [method]) and dataset in (self.datasets or [dataset])

    def applied_to(self, budget: Budget) -> Budget:
        """Return a budget with the values of this rule replaced."""
        steps = self.steps or budget.steps
        every = self.evaluate_every or (default_interval(steps) if self.steps else budget.evaluate_every)
        return Budget(steps=steps, evaluate_every=every)


def default_interval(steps: int) -> int:
    """Return the default number of steps between two evaluations: a twentieth, so the curve has 20 points."""
    return max(1, steps // 20)


class Suite(BaseModel):
    """A grid of runs, as written in a suite's TOML file."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    title: str
    """What the suite is for."""
    datasets: Names = Field(min_length=1)
    """Names of data sets."""
    methods: Names = Field(min_length=1)
    """Names of methods."""
    seeds: Seeds = Field(min_length=1)
    """Seeds; every method is run once with each."""
    protocol: str = "corrected"
    """Label table of the data sets."""
    postprocess: Postprocess = "none"
    """Post-processing of every method's scores before an evaluation."""
    budget: Budget | None = None
    """Budget of every method that is trained in steps; by default the method's own, else 10 000 steps."""
    budgets: list[BudgetRule] = []
    """Rules with other budgets and seeds for some methods and data sets."""
    parameters: dict[str, dict[str, Any]] = {}
    """Parameters that differ from the defaults, by method and name."""
    variants: dict[str, list[dict[str, Any]]] = {}
    """Alternative parameters by method; each set is run, and overrides `parameters`."""
    prepare: dict[str, dict[str, Any]] = {}
    """Options of `infoseg-bench prepare` for embedded data sets, by data set."""
    preset: str | None = None
    """Name by which `run --preset NAME` applies this suite's parameters and budgets to other runs."""

    def budget_of(self, method: type[Method], dataset: str) -> Budget | None:
        """Return the budget of a method on a data set; None if the method is not trained in steps."""
        if not method.is_iterative:
            return None
        budget = self.budget or Budget.model_validate(method.budgets.get(dataset, DEFAULT_BUDGET))
        for rule in self._rules(method.name, dataset):
            budget = rule.applied_to(budget)
        return budget

    def seeds_of(self, method: str, dataset: str) -> list[int]:
        """Return the seeds of a method on a data set."""
        given = [rule.seeds for rule in self._rules(method, dataset) if rule.seeds]
        return given[-1] if given else self.seeds

    def _rules(self, method: str, dataset: str) -> list[BudgetRule]:
        return [rule for rule in self.budgets if rule.covers(method, dataset)]


def shipped_suites() -> list[str]:
    """Return the names of the suites that the package contains."""
    folder = files("infoseg_bench") / "suites"
    return sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml"))


def presets() -> dict[str, Suite]:
    """Return the shipped suites that are presets, by the name of the preset."""
    suites = map(load_suite, shipped_suites())
    return {suite.preset: suite for suite in suites if suite.preset}


@dataclass(frozen=True)
class SuiteFile:
    """A suite and its origin.

    Attributes:
        suite: the suite
        origin: name of a shipped suite, or path of the file
    """

    suite: Suite
    origin: str

    def check(self, registry: Registry, datasets: Collection[str]) -> None:
        """Check that all methods, data sets and parameters of the file exist.

        Raises:
            UsageError: one does not; the message contains file and key
        """
        suite = self.suite
        for index, name in enumerate(suite.datasets):
            if name not in datasets:
                self._refuse(("datasets", index), unknown_name("data set", name, datasets))
        for name in suite.methods:
            self._try(("methods",), registry.method, name)
        for index, rule in enumerate(suite.budgets):
            for name in rule.methods:
                self._try(("budgets", index, "methods"), registry.method, name)
            for name in rule.datasets:
                if name not in datasets:
                    self._refuse(("budgets", index, "datasets"), unknown_name("data set", name, datasets))
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

    def _try(self, path: Sequence[str | int], look: Callable[..., object], *arguments: object) -> None:
        try:
            look(*arguments)
        except UsageError as error:
            self._refuse(path, error)

    def _refuse(self, path: Sequence[str | int], error: UsageError) -> NoReturn:
        raise _mistake(self.origin, path, str(error)) from None


def load_suite(name: str) -> Suite:
    """Return a shipped suite by name, or the suite in a file by its path.

    Raises:
        UsageError: unknown name, no such file, or an invalid file
    """
    return read_suite(name).suite


def read_suite(name: str) -> SuiteFile:
    """Return a suite, by name or path, and its origin.

    Raises:
        UsageError: unknown name, no such file, or an invalid file; the message contains file and key
    """
    if name in shipped_suites():
        text, origin = (files("infoseg_bench") / "suites" / f"{name}.toml").read_text(), name
    elif name.endswith(".toml") or "/" in name:
        text, origin = _read(Path(name)), name
    else:
        raise unknown_name("suite", name, shipped_suites(), "or use the path of a .toml file")
    try:
        return SuiteFile(Suite.model_validate(tomllib.loads(text)), origin)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"suite {origin}: {error}") from None
    except ValidationError as error:
        mistake = first_mistake(error)
        raise _mistake(origin, mistake.path, _reason(mistake)) from None


def _mistake(origin: str, path: Sequence[str | int], message: str) -> UsageError:
    return UsageError(f"suite {origin}: {'.'.join(map(str, path))}: {message}")


def _reason(mistake: Mistake) -> str:
    if mistake.kind == "extra_forbidden":
        nested: dict[object, type[BaseModel]] = {"budget": Budget, "budgets": BudgetRule}
        model = nested.get(mistake.path[0], Suite) if len(mistake.path) > 1 else Suite
        return str(unknown_name("key", str(mistake.path[-1]), model.model_fields))
    return mistake.message + ("" if mistake.kind == "missing" else f" (it is {mistake.value!r})")


def _read(path: Path) -> str:
    try:
        return read_text(path, "suite")
    except UserError as error:
        raise UsageError(str(error)) from None
