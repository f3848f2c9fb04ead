"""Libraries that only some people need, and the line that says how to get them."""

from __future__ import annotations

import importlib
from typing import Any

from infoseg_bench.errors import UsageError


def extra(module: str, name: str) -> Any:
    """Import a module of one of the package's extras.

    Args:
        module: to import
        name: of the extra that installs it

    Raises:
        UsageError: it is not installed
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UsageError(
            f"{module.partition('.')[0]} cannot be imported ({error}): pip install 'infoseg-bench[{name}]'"
        ) from None
