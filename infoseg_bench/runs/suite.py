"""Suites: which methods on which data sets with which seeds and budgets, as a TOML file."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from infoseg_bench.errors import UsageError, unknown_name
from infoseg_bench.runs.spec import Budget

DEFAULT_BUDGET = Budget(steps=10_000, evaluate_every=500)
"""Ours: InfoSeg states no number of steps. Twenty points on the curve."""


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
    """Give the names of the suites in the package."""
    folder = files("infoseg_bench") / "suites"
    return sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml"))


def load_suite(name: str) -> Suite:
    """Read a shipped suite by name, or any by its file's path.

    Raises:
        UsageError: unknown name, no such file, or a mistake in it
    """
    if name in shipped_suites():
        text, origin = (files("infoseg_bench") / "suites" / f"{name}.toml").read_text(), name
    elif name.endswith(".toml") or "/" in name:
        text, origin = _read(Path(name)), name
    else:
        raise unknown_name("suite", name, shipped_suites(), "or give the path of a .toml file")
    try:
        return Suite.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"suite {origin}: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"suite {origin}: {key}: {first['msg']}") from None


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise UsageError(f"suite {path}: {error.strerror}") from None
