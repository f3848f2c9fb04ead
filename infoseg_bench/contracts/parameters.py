"""Validated, frozen parameters, whose defaults have a source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from infoseg_bench.errors import UsageError, first_mistake, unknown_name

Chosen = TypeVar("Chosen", bound="Parameters")


class Parameters(BaseModel):
    """Base class of all parameters and options: immutable, and unknown names are rejected."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def parse(cls: type[Chosen], values: Mapping[str, Any], owner: str) -> Chosen:
        """Validate values and return the parameters.

        Args:
            values: parameter names and values; text is converted where possible
            owner: the method or recipe that the parameters belong to, for the message

        Raises:
            UsageError: an unknown parameter, or a value out of range
        """
        for name in values:
            if name not in cls.model_fields:
                raise unknown_name(f"parameter of {owner}", name, cls.model_fields)
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            mistake = first_mistake(error)
            plain = " " in owner or mistake.kind in ("missing", "extra_forbidden")
            joint = ": " if plain else "."
            raise UsageError(f"{owner}{joint}{mistake}") from None


def set_from_brackets(cls: type, attribute: str) -> None:
    """Set a class's attribute to the parameter set in the brackets of its base, unless the class sets it.

    Args:
        cls: such as `class KMeans(Method[KMeansParameters])`
        attribute: name of the attribute
    """
    for base in cls.__dict__.get("__orig_bases__", ()):
        for argument in get_args(base):
            if attribute not in cls.__dict__ and isinstance(argument, type):
                setattr(cls, attribute, argument)


def parameter(default: Any, meaning: str, *, source: str, **limits: Any) -> Any:
    """Declare a parameter.

    Args:
        default: the default value
        meaning: description of the parameter in one sentence, with the unit
        source: source of the default: a paper's section, a file, or "chosen by this project"
        limits: pydantic's constraints, such as `gt=0`
    """
    return Field(default, description=meaning, json_schema_extra={"source": source}, **limits)
