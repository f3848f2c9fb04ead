"""Hash of a method's source code, to notice changes even if its version was not raised."""

from __future__ import annotations

import ast
import hashlib
import inspect
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

from infoseg_bench.contracts import Method


@cache
def source_hash(method: type[Method]) -> str:
    """Return a hash of a method's source code: its module, and the modules of its package that it imports.

    Modules that every method depends on (those that the contract itself imports) are left out. Line endings
    are ignored, so that the hash is the same on every machine.

    Returns:
        SHA-256 in hexadecimal digits; empty if there is no source file
    """
    modules = _imported(_module(method), {}) if _module(method) else {}
    common = _imported(sys.modules["infoseg_bench.contracts"], {})
    own = {name: path for name, path in modules.items() if name not in common}
    digest = hashlib.sha256()
    for name in sorted(own):
        digest.update(own[name].read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return digest.hexdigest() if own else ""


def _module(method: type[Method]) -> ModuleType | None:
    return sys.modules.get(method.__module__)


def _imported(module: ModuleType | None, found: dict[str, Path]) -> dict[str, Path]:
    """Add a module and all modules of its package that it imports, directly or indirectly, to `found`."""
    file = module and inspect.getsourcefile(module)
    if module is None or not file or module.__name__ in found:
        return found
    found[module.__name__] = Path(file)
    for name in _names(ast.parse(Path(file).read_bytes()), module):
        if name.partition(".")[0] == module.__name__.partition(".")[0] or name.startswith("infoseg_bench."):
            _imported(sys.modules.get(name), found)
    return found


def _names(tree: ast.Module, module: ModuleType) -> set[str]:
    names = set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = (module.__package__ or "").split(".")
                base = ".".join(package[: len(package) - node.level + 1] + ([base] if base else []))
            names |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return names
