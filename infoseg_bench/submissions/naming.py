"""The names of external rows."""

from __future__ import annotations

import re

from infoseg_bench.errors import UsageError
from infoseg_bench.records.spec import EXTERNAL

LONGEST = 60
"""Characters of a name; chosen by this project."""


def check_name(name: str) -> str:
    """Return the name if it can stand on a board: one line of letters, digits and common signs.

    Raises:
        UsageError: it cannot
    """
    strange = sorted(set(re.findall(r"[^\w .,+*()'/-]|[^\S ]", name)))
    if strange:
        signs = " ".join(repr(sign) for sign in strange[:5])
        raise UsageError(
            f"--name {name!r}: {signs} cannot stand in a name: use letters, digits and .,+*()'/-"
        )
    if not name.strip() or len(name) > LONGEST:
        raise UsageError(f"--name {name!r}: give 1 to {LONGEST} characters")
    return name.strip()


def method_name(name: str) -> str:
    """Return the name that an external row has where a method's would stand, fit for a folder."""
    return EXTERNAL + (re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "unnamed")
