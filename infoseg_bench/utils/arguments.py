"""Arguments of the Python functions, as people give them."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import Any

from infoseg_bench.errors import UsageError


def names(values: str | Iterable[str]) -> list[str]:
    """Return names as a list; a single one need not be in a list."""
    return [values] if isinstance(values, str) else list(values)


def paths(values: str | PathLike[str] | Iterable[str | PathLike[str]]) -> list[Path]:
    """Return paths as a list; a single one need not be in a list."""
    return [Path(values)] if isinstance(values, str | PathLike) else [Path(value) for value in values]


def whole(name: str, value: Any, least: int = 0) -> int:
    """Return a whole number, which may also be one of numpy's.

    Raises:
        UsageError: it is none, or below `least`
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least:
        raise UsageError(f"{name}={value!r}: use a whole number of {least} or more")
    return number
