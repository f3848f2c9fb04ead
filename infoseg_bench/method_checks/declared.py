"""Checks of what a method says about itself."""

from __future__ import annotations

from infoseg_bench.errors import UsageError
from infoseg_bench.method_checks.check import require
from infoseg_bench.method_checks.subject import Subject


def named(subject: Subject) -> None:
    """Check its name, title and citation."""
    for field in ("name", "title", "citation"):
        require(bool(getattr(subject.cls, field, "")), f"{field} is empty")


def described(subject: Subject) -> None:
    """Check the description and source of every parameter."""
    for name, field in subject.cls.parameters_type.model_fields.items():
        extra = field.json_schema_extra
        require(bool(field.description), f"{name} has no description")
        require(isinstance(extra, dict) and bool(extra.get("source")), f"{name} has no source")


def resolvable(subject: Subject) -> None:
    """Check that parameters can be made for any data set, and that a wrong name is an error."""
    for dataset in ("any", *subject.cls.presets):
        made = subject.cls.resolve(dataset, {})
        require(type(made) is subject.cls.parameters_type, f"resolve gives {type(made).__name__}")
    try:
        subject.cls.resolve("any", {"no-such-parameter": 1})
    except UsageError:
        return
    require(False, "a parameter that does not exist is taken")
