"""A template file for a new method."""

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
"""Maximum characters of a method's name, which becomes part of folder names; chosen by this project."""


def write_method(name: str, path: Path | None = None) -> Path:
    """Write a small method that can be run as it is.

    Args:
        name: name of the method: lower-case words joined by dashes
        path: file to write; None: the name with underscores, in the current folder

    Returns:
        path of the file

    Raises:
        UsageError: not such a name, or a method or file of that name exists
    """
    if name in load_methods().methods:
        raise UsageError(f"method name {name!r} is taken: choose another")
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) or len(name) > LONGEST:
        raise UsageError(f"method name {name!r}: use lower-case letters, digits and dashes, as in my-method")
    if name.startswith(EXTERNAL) or keyword.iskeyword(name):
        raise UsageError(f"method name {name!r} is reserved: choose another")
    path = path or Path(f"{name.replace('-', '_')}.py")
    if path.suffix != ".py":
        raise UsageError(f"--out {path}: use a name that ends in .py")
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
