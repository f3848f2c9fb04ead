"""Where in a suite's file a key stands, so that a mistake is reported with its line."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence

HEADER = re.compile(r"^\s*(\[\[?)([^\[\]]+)\]\]?\s*(#.*)?$")
KEY = re.compile(r"""^\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")

Path = tuple[str | int, ...]


def line_of(text: str, path: Sequence[str | int]) -> int | None:
    """Find the line, from 1, of a key, or of the nearest table or key above it.

    Args:
        text: the TOML file, already known to be one
        path: keys and indices from the top, such as ("budget", "steps")
    """
    known = dict(reversed(list(_keys(text))))
    for length in range(len(path), 0, -1):
        if (line := known.get(tuple(path[:length]))) is not None:
            return line
    return None


def _keys(text: str) -> Iterator[tuple[Path, int]]:
    table: Path = ()
    tables = Counter[Path]()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := HEADER.match(line):
            table = _split(header[2])
            if header[1] == "[[":
                tables[table] += 1
                table = (*table, tables[table] - 1)
            yield table, number
        elif key := KEY.match(line):
            yield (*table, *_split(key[1])), number


def _split(dotted: str) -> Path:
    # TOML itself knows best how its keys are quoted.
    found, keys = tomllib.loads(f"{dotted} = 0"), list[str]()
    while isinstance(found, dict):
        (key,) = found
        keys.append(key)
        found = found[key]
    return tuple(keys)
