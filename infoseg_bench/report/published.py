"""The papers' own figures, shown beside measured ones and never mixed with them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True)
class PublishedFigure:
    """A pixel accuracy that somebody has published.

    Attributes:
        pixel_accuracy: share in [0, 1]
        source: publication and table
        selection: which state of the training it is of
    """

    pixel_accuracy: float
    source: str
    selection: str


@dataclass(frozen=True)
class AblationRow:
    """One row of a published study: its name, its settings, and its pixel accuracy as a share."""

    title: str
    settings: Mapping[str, Any]
    pixel_accuracy: float


@dataclass(frozen=True, kw_only=True)
class Ablation:
    """A published study of one method on one data set, whose rows differ in the same few settings."""

    title: str
    source: str
    method: str
    dataset: str
    rows: tuple[AblationRow, ...]


@cache
def published_ablations() -> tuple[Ablation, ...]:
    """Read the published studies."""
    return tuple(
        Ablation(
            **{name: entry[name] for name in ("title", "source", "method", "dataset")},
            rows=tuple(
                AblationRow(row["title"], row["settings"], row["pixel_accuracy"] / 100)
                for row in entry["rows"]
            ),
        )
        for entry in _content()["ablations"]
    )


@cache
def published_figures() -> dict[tuple[str, str], PublishedFigure]:
    """Read all figures of methods at their best settings: (method, data set) to the figure."""
    content = _content()
    return {
        (method, dataset): PublishedFigure(
            percent / 100, content["sources"][source]["text"], content["sources"][source]["selection"]
        )
        for source, methods in content["figures"].items()
        for method, by_dataset in methods.items()
        for dataset, percent in by_dataset.items()
    }


def _content() -> dict[str, Any]:
    return tomllib.loads((files("infoseg_bench.report") / "published.toml").read_text())
