"""The names of external rows."""

from __future__ import annotations

import re

from infoseg_bench.contracts.method import PRETRAINED
from infoseg_bench.errors import UsageError
from infoseg_bench.records.spec import EXTERNAL

LONGEST = 60
"""Largest number of characters of a name; chosen by this project."""


def check_pretrained(text: str) -> str:
    """Return the name of pre-trained weights.

    Raises:
        UsageError: it does not say what they were trained on
    """
    if re.fullmatch(PRETRAINED, text) is None or not text.isprintable():
        raise UsageError(
            f"--pretrained {text!r}: name weights and data, as in 'DINO ViT-S/16, trained on ImageNet'"
        )
    return text


def check_name(name: str) -> str:
    """Return the name if it is valid: one line of letters, digits and common signs.

    Raises:
        UsageError: the name is not valid
    """
    strange = sorted(set(re.findall(r"[^\w .,+*()'/-]|[^\S ]", name)))
    if strange:
        signs = " ".join(repr(sign) for sign in strange[:5])
        raise UsageError(f"--name {name!r}: names cannot contain {signs}: use letters, digits and .,+*()'/-")
    if not name.strip() or len(name) > LONGEST:
        raise UsageError(f"--name {name!r}: use 1 to {LONGEST} characters")
    return name.strip()


def method_name(name: str) -> str:
    """Return the method name of an external row, which is valid in folder names."""
    return EXTERNAL + (re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "unnamed")
