"""What a run is given of a cluster: words such as `gpus=1` for all methods or `kmeans.gpus=0` for one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from infoseg_bench.errors import UsageError, first_mistake, unknown_name

Share = TypeVar("Share", bound=BaseModel)


class SlurmShare(BaseModel):
    """Of a job of one run. Any other key is an option of sbatch, such as `partition` or `account`."""

    model_config = ConfigDict(frozen=True, extra="allow", use_attribute_docstrings=True)

    gpus: int = Field(default=1, ge=0)
    """GPUs."""
    cpus: int = Field(default=4, ge=1)
    """CPU cores."""
    mem_gb: float = Field(default=16, gt=0)
    """Host memory in GB."""
    minutes: int = Field(default=24 * 60, ge=1)
    """Time limit; a job that reaches it saves its state and queues again."""


class RayShare(BaseModel):
    """Of a task of one run."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    gpus: float = Field(default=0, ge=0)
    """GPUs; 0.5 lets two runs share one."""
    cpus: int = Field(default=1, ge=1)
    """CPU cores."""
    mem_gb: float = Field(default=0, ge=0)
    """Host memory in GB that is set aside; 0: none is."""


@dataclass(frozen=True)
class ResourceRequest:
    """What a user has asked for.

    Attributes:
        option: that they used, for messages
        values: method to key to value; "" stands for every method
    """

    option: str
    values: dict[str, dict[str, str]] = field(default_factory=dict)

    @classmethod
    def parse(cls, option: str, words: Sequence[str], methods: Collection[str]) -> ResourceRequest:
        """Read words of the form `[METHOD.]KEY=VALUE`.

        Raises:
            UsageError: of another form, or of an unknown method
        """
        values: dict[str, dict[str, str]] = {}
        for word in words:
            name, equals, value = word.partition("=")
            method, dot, key = name.rpartition(".")
            if not (equals and key and value) or (dot and not method):
                raise UsageError(f"{option} {word}: expected [METHOD.]KEY=VALUE, such as gpus=1")
            if method and method not in methods:
                raise unknown_name("method", method, methods, f"in {option} {word}")
            values.setdefault(method, {})[key.replace("-", "_")] = value
        return cls(option, values)

    def share(self, of: type[Share], method: str, **defaults: Any) -> Share:
        """Return what one method's runs get.

        Args:
            of: the kind of share
            method: name of the method
            defaults: where they differ from the kind's own

        Raises:
            UsageError: an unknown key or a value out of range
        """
        wanted = {**self.values.get("", {}), **self.values.get(method, {})}
        try:
            return of.model_validate({**defaults, **wanted})
        except ValidationError as error:
            mistake = first_mistake(error)
            known = f"; known: {', '.join(of.model_fields)}" if mistake.kind == "extra_forbidden" else ""
            value = f"{mistake.key}={mistake.value}"
            raise UsageError(f"{self.option} {value}: {mistake.message}{known}") from None
