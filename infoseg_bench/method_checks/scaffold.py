"""A file to start a method from."""

from __future__ import annotations

import keyword
import re
from importlib.resources import files
from pathlib import Path

from infoseg_bench.contracts.registry import load_methods
from infoseg_bench.errors import UsageError
from infoseg_bench.records.spec import EXTERNAL
from infoseg_bench.utils.atomic import write_text

LONGEST = 40
"""Characters of a method's name, which stands in folder names; chosen by this project."""


def write_method(name: str, path: Path | None = None) -> Path:
    """Write a method that runs as it stands.

    Args:
        name: in lower case, words joined by dashes
        path: of the file; None: the name with underscores, in this folder

    Returns:
        the file

    Raises:
        UsageError: not such a name, or a method or file of that name exists
    """
    if name in load_methods().methods:
        raise UsageError(f"method name {name!r} is taken: choose another")
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) or len(name) > LONGEST:
        raise UsageError(f"method name {name!r}: use lower-case letters, digits and dashes, as in my-method")
    if name.startswith(EXTERNAL) or keyword.iskeyword(name):
        raise UsageError(f"method name {name!r} has a meaning of its own: choose another")
    path = path or Path(f"{name.replace('-', '_')}.py")
    if path.suffix != ".py":
        raise UsageError(f"--out {path}: give a name that ends in .py")
    if path.exists():
        raise UsageError(f"{path}: this file exists: choose another name, or --out")
    text = files("infoseg_bench.method_checks").joinpath("method_template.txt").read_text(encoding="utf-8")
    values = {
        "CLASS": "".join(part.capitalize() for part in name.split("-")),
        "TITLE": name.replace("-", " ").capitalize(),
        "NAME": name,
        "FILE": path.name,
    }
    write_text(path, re.sub("|".join(values), lambda found: values[found[0]], text))
    return path
