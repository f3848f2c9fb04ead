"""The specification of a run, on which alone its identity depends."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_serializer

EXTRA_CLUSTERS = "extra_clusters"
"""Setting of a row of label maps whose extra clusters are dropped ("published"); otherwise they are wrong."""
EXTERNAL = "external-"
"""Prefix of the method's name in rows for label maps made by other software."""

SHORT_ID = 8
"""Digits of a run's identity that are shown; chosen by this project: among ten thousand runs, two share
them with a probability of about 1 %."""


Postprocess = Literal["none", "mirror"]
"""What is done to a method's scores before the highest one gives the cluster. mirror: they are averaged over
the image and its mirror image."""


class Budget(BaseModel):
    """Training length and evaluation interval of a method that trains in steps."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    steps: int = Field(gt=0)
    """Training steps."""
    evaluate_every: int = Field(gt=0)
    """Steps between two evaluations, which determine the steps that can be the best one."""


class RunSpec(BaseModel):
    """Everything that determines a run: method, parameters, data, protocol, budget, seed, post-processing."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    dataset: str
    """Name of the data set."""
    fingerprint: str
    """SHA-256 of the store's content."""
    protocol: str
    """Label table of the data set: "published" or "corrected"."""
    method: str
    """Name of the method."""
    method_version: int
    """The method's own version."""
    parameters: dict[str, Any]
    """All of the method's parameters, including defaults."""
    budget: Budget | None
    """None for methods that do not train in steps."""
    seed: int
    """Seed of everything random."""
    postprocess: Postprocess = "none"
    """Post-processing of the method's scores at every evaluation; omitted from the file if "none"."""

    @model_serializer(mode="wrap")
    def _without_defaults(self, serialise: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        """Omit "none", so that runs from before this option keep their identities."""
        content: dict[str, Any] = serialise(self)
        return {name: value for name, value in content.items() if (name, value) != ("postprocess", "none")}

    @property
    def identity(self) -> str:
        """Sixteen hexadecimal digits, the same for the same run on any machine."""
        return _digest(self.model_dump(mode="json"))

    @property
    def short_id(self) -> str:
        """The first digits of the identity, which `--run` accepts."""
        return self.identity[:SHORT_ID]

    @property
    def row(self) -> str:
        """The identity without the seed; runs with the same one are averaged in one row."""
        return _digest(self.model_dump(mode="json", exclude={"seed"}))

    @property
    def title(self) -> str:
        """A readable name, without settings."""
        return f"{self.dataset} {self.method} seed {self.seed}"

    @property
    def settings(self) -> dict[str, Any]:
        """Parameters, budget and version, which distinguish it from other runs of its method."""
        budget = self.budget.model_dump() if self.budget else {}
        declared = {"postprocess": self.postprocess} if self.postprocess != "none" else {}
        absent = {EXTRA_CLUSTERS: "corrected"} if self.external else {}
        return {**absent, **self.parameters, **budget, **declared, "version": self.method_version}

    @property
    def external(self) -> bool:
        """Whether other software made the label maps, so that nothing is known about the training."""
        return self.method.startswith(EXTERNAL)

    @property
    def drops_extra_clusters(self) -> bool:
        """Whether pixels of extra clusters are dropped, as in STEGO's evaluator."""
        return self.external and self.parameters.get(EXTRA_CLUSTERS) == "published"

    @property
    def folder(self) -> str:
        """Name of the run's folder."""
        return f"{self.dataset}--{self.method}--seed{self.seed}--{self.identity}"


def _digest(content: dict[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]
