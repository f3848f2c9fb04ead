"""The papers' own figures, shown beside measured ones and never mixed with them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


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


@cache
def published_figures() -> dict[tuple[str, str], PublishedFigure]:
    """Read all of them: (method, data set) to the figure."""
    content = tomllib.loads((files("infoseg_bench.report") / "published.toml").read_text())
    return {
        (method, dataset): PublishedFigure(
            percent / 100, content["sources"][source]["text"], content["sources"][source]["selection"]
        )
        for source, methods in content["figures"].items()
        for method, by_dataset in methods.items()
        for dataset, percent in by_dataset.items()
    }
