"""Checks of a method's declarations: its name, parameters and presets."""

from __future__ import annotations

import re

from infoseg_bench.contracts.method import PRETRAINED
from infoseg_bench.contracts.registry import NAME
from infoseg_bench.errors import UsageError
from infoseg_bench.method_checks.check import require
from infoseg_bench.method_checks.subject import Subject


def named(subject: Subject) -> None:
    """Check that name, title and citation are given."""
    for field in ("name", "title", "citation"):
        require(bool(getattr(subject.cls, field, "")), f"{field} is empty")
    name = subject.cls.name
    require(re.fullmatch(NAME, name) is not None, f"the name {name!r} is not of letters, digits and dashes")


def described(subject: Subject) -> None:
    """Check that every parameter has a description and a source."""
    for name, field in subject.cls.parameters_type.model_fields.items():
        extra = field.json_schema_extra
        require(bool(field.description), f"{name} has no description")
        require(isinstance(extra, dict) and bool(extra.get("source")), f"{name} has no source")


def pretraining(subject: Subject) -> None:
    """Check that pre-trained weights, if there are any, are named with their training data."""
    found = subject.cls.pretrained(subject.make().parameters)
    require(found is None or re.fullmatch(PRETRAINED, found) is not None, f"pretrained returns {found!r}")


def resolvable(subject: Subject) -> None:
    """Check that defaults and presets are valid for any data set, and that unknown names are refused."""
    for dataset in ("any", *subject.cls.presets):
        made = subject.cls.resolve(dataset, {})
        require(type(made) is subject.cls.parameters_type, f"resolve returns {type(made).__name__}")
        # pydantic does not check defaults.
        subject.cls.parameters_type.parse(made.model_dump(mode="json"), subject.cls.name)
    try:
        subject.cls.resolve("any", {"no-such-parameter": 1})
    except UsageError:
        return
    require(False, "an unknown parameter is accepted")
