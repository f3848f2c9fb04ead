"""Import of optional libraries, with a message that says how to install them."""

from __future__ import annotations

import importlib
from typing import Any

from infoseg_bench.errors import UsageError


def extra(module: str, name: str) -> Any:
    """Import and return a module that one of the package's extras installs.

    Args:
        module: name of the module
        name: name of the extra

    Raises:
        UsageError: the module is not installed or cannot be imported
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UsageError(
            f"{module.partition('.')[0]} cannot be imported ({error}): pip install 'infoseg-bench[{name}]'"
        ) from None
