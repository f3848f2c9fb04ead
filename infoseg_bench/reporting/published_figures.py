"""The papers' own figures, shown beside measured ones and never mixed with them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Ablation:
    """A published study of one method on one data set, whose rows differ in the same few settings.

    Attributes:
        aside: settings that the study does not vary, and that may differ between runs of one table; a table
            names them where they do
        rows: each with its `title`, its `settings` and its `pixel_accuracy`, a share
    """

    title: str
    source: str
    method: str
    dataset: str
    aside: list[str]
    rows: pd.DataFrame


@dataclass(frozen=True, kw_only=True)
class PublishedLog:
    """What a published training log says, accuracies as shares in [0, 1].

    Attributes:
        run: the log's own name for the run
        untrained: pixel accuracy before training
        best: of the best epoch, chosen with labels
        best_epoch: its number
        last: of the last logged epoch
        last_epoch: its number
        epoch: what is counted as one
        epoch_steps: training steps of one; None where the log does not say
        source: where the log is
    """

    run: str
    untrained: float
    best: float
    best_epoch: int
    last: float
    last_epoch: int
    epoch: str
    epoch_steps: int | None = None
    source: str


@dataclass(frozen=True, kw_only=True)
class LaterFigure:
    """What a later paper has published of one method on one data set, accuracies as shares in [0, 1].

    Attributes:
        method: name and network
        pretraining: what the network was pre-trained on
        dataset: name of the data set
        readout: "clusters" under a Hungarian matching, or "linear probe", which is trained with labels
        pixel_accuracy: None if it is not known
        mean_iou: None if it is not known
        marks: what a score of this project does not do, such as a CRF, or what is unknown
        source: where the figure is from
    """

    method: str
    pretraining: str
    dataset: str
    readout: str
    pixel_accuracy: float | None
    mean_iou: float | None
    marks: tuple[str, ...]
    source: str


@cache
def later_figures() -> tuple[LaterFigure, ...]:
    """Read the figures of later papers, which are on other data and of pre-trained networks."""
    return tuple(
        LaterFigure(
            **{name: entry[name] for name in ("method", "pretraining", "source")},
            dataset=figure["dataset"],
            readout=figure.get("readout", "clusters"),
            pixel_accuracy=_share(figure.get("pixel_accuracy")),
            mean_iou=_share(figure.get("mean_iou")),
            marks=(*entry.get("marks", ()), *figure.get("marks", ())),
        )
        for entry in _content()["later"]
        for figure in entry["figures"]
    )


def _share(percent: float | None) -> float | None:
    return None if percent is None else percent / 100


@cache
def published_figures() -> pd.DataFrame:
    """Read all figures of methods at their best settings.

    Returns:
        by method and data set: `pixel_accuracy`, a share; `source`, publication and table; `selection`,
            which state of the training it is of
    """
    content = _content()
    figures = {
        (method, dataset): {"pixel_accuracy": percent / 100, **content["sources"][source]}
        for source, methods in content["figures"].items()
        for method, by_dataset in methods.items()
        for dataset, percent in by_dataset.items()
    }
    index = pd.MultiIndex.from_tuples(figures, names=["method", "dataset"])
    return pd.DataFrame([*figures.values()], index).rename(columns={"text": "source"})


@cache
def published_ablations() -> tuple[Ablation, ...]:
    """Read the published studies."""
    return tuple(
        Ablation(**{**entry, "rows": rows.assign(pixel_accuracy=rows["pixel_accuracy"] / 100)})
        for entry in _content()["ablations"]
        for rows in [pd.DataFrame(entry["rows"])]
    )


@cache
def published_logs() -> dict[tuple[str, str], PublishedLog]:
    """Read all logs: (method, data set) to the log; settings of no table follow the method's name."""
    return {
        (method, dataset): PublishedLog(
            **{**log, **{name: log[name] / 100 for name in ("untrained", "best", "last")}},
            source=source["text"],
        )
        for source in _content()["logs"].values()
        for method, by_dataset in source.items()
        if method != "text"
        for dataset, log in by_dataset.items()
    }


def reference_methods() -> frozenset[str]:
    """Return the methods that learn nothing and stand as reference rows."""
    return frozenset(_content()["references"])


def published_layout() -> tuple[dict[str, str], dict[str, str]]:
    """Return rows and columns of the paper's main table in its order: names to titles, methods first."""
    layout = _content()["layout"]
    return layout["methods"], layout["datasets"]


@cache
def _content() -> Mapping[str, Any]:
    return tomllib.loads((files("infoseg_bench.reporting") / "published.toml").read_text())
