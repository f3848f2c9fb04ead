"""Arguments of the Python functions, as people give them."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from pathlib import Path


def names(values: str | Iterable[str]) -> list[str]:
    """Return names as a list; a single one need not be in a list."""
    return [values] if isinstance(values, str) else list(values)


def paths(values: str | PathLike[str] | Iterable[str | PathLike[str]]) -> list[Path]:
    """Return paths as a list; a single one need not be in a list."""
    return [Path(values)] if isinstance(values, str | PathLike) else [Path(value) for value in values]
