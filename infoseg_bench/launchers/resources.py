"""Resources of runs on a cluster, such as `gpus=1` for all methods, or `kmeans.gpus=0` for one method."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from infoseg_bench.errors import UsageError, first_mistake, unknown_name

Resources = TypeVar("Resources", bound=BaseModel)


class SlurmResources(BaseModel):
    """Resources of a run's Slurm job. Other keys are options of sbatch, such as `partition`."""

    model_config = ConfigDict(frozen=True, extra="allow", use_attribute_docstrings=True)

    gpus: int = Field(default=1, ge=0)
    """Number of GPUs."""
    cpus: int = Field(default=4, ge=1)
    """Number of CPU cores."""
    mem_gb: float = Field(default=16, gt=0)
    """Host memory in GB."""
    minutes: int = Field(default=24 * 60, ge=1)
    """Time limit in minutes; a job that reaches it saves its state and is queued again."""


class RayResources(BaseModel):
    """Resources of a run's Ray task."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    gpus: float = Field(default=0, ge=0)
    """Number of GPUs; with 0.5, two runs share one."""
    cpus: int = Field(default=1, ge=1)
    """Number of CPU cores."""
    mem_gb: float = Field(default=0, ge=0)
    """Host memory in GB to reserve; 0: no reservation."""


@dataclass(frozen=True)
class ResourceRequest:
    """The resources requested by the user.

    Attributes:
        option: name of the command-line option, for messages
        values: values by method and key; the method "" stands for all methods
    """

    option: str
    values: dict[str, dict[str, str]] = field(default_factory=dict)

    @classmethod
    def parse(cls, option: str, texts: Sequence[str], methods: Collection[str]) -> ResourceRequest:
        """Parse the values of an option, each `[METHOD.]KEY=VALUE`.

        Raises:
            UsageError: a value has another form or names an unknown method
        """
        values: dict[str, dict[str, str]] = {}
        for text in texts:
            name, equals, value = text.partition("=")
            method, dot, key = name.rpartition(".")
            if not (equals and key and value) or (dot and not method):
                raise UsageError(f"{option} {text}: expected [METHOD.]KEY=VALUE, such as gpus=1")
            if method and method not in methods:
                raise unknown_name("method", method, methods, f"in {option} {text}")
            values.setdefault(method, {})[key.replace("-", "_")] = value
        return cls(option, values)

    def of_method(self, kind: type[Resources], method: str, **defaults: Any) -> Resources:
        """Return the resources of a method's runs.

        Args:
            kind: resources of Slurm or of Ray
            method: name of the method
            defaults: defaults that replace those of `kind`

        Raises:
            UsageError: an unknown key, or a value out of range
        """
        wanted = {**self.values.get("", {}), **self.values.get(method, {})}
        try:
            return kind.model_validate({**defaults, **wanted})
        except ValidationError as error:
            mistake = first_mistake(error)
            known = f"; known: {', '.join(kind.model_fields)}" if mistake.kind == "extra_forbidden" else ""
            value = f"{mistake.key}={mistake.value}"
            raise UsageError(f"{self.option} {value}: {mistake.message}{known}") from None
