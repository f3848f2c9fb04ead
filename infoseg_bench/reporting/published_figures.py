"""The papers' own figures, shown beside measured ones and never mixed with them."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import pandas as pd

from infoseg_bench.reporting.table import Columns, Table, readable

LATER_COLUMNS: Columns = {
    "method": "method", "data set": "dataset", "read out by": "readout", "PA": ("pixel_accuracy",),
    "mean IoU": ("mean_iou",), "pre-trained": "pretraining", "remarks": "marks",
}  # fmt: skip
LATER_NOTES = (
    "As printed elsewhere, not measured; the sources are in the CSV file.",
    "Remarks: what a score of this project does not do, or what is unknown about the protocol.",
)


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
    return _by_method_and_dataset(figures).rename(columns={"text": "source"})


@cache
def published_ablations() -> tuple[Ablation, ...]:
    """Read the published studies."""
    return tuple(
        Ablation(**{**entry, "rows": rows.assign(pixel_accuracy=rows["pixel_accuracy"] / 100)})
        for entry in _content()["ablations"]
        for rows in [pd.DataFrame(entry["rows"])]
    )


@cache
def published_logs() -> pd.DataFrame:
    """Read what published training logs say, accuracies as shares in [0, 1].

    Returns:
        by method (settings of no table follow its name) and data set: `run`, the log's own name for it;
            `untrained`, the pixel accuracy before training, `best`, that of the best epoch, chosen with
            labels, and `last`; the epochs' numbers `best_epoch` and `last_epoch`; `epoch`, what is counted as
            one; `epoch_steps`, its training steps, missing where the log does not say; and `source`
    """
    logs = {
        (method, dataset): {**log, "source": source["text"]}
        for source in _content()["logs"].values()
        for method, by_dataset in source.items()
        if method != "text"
        for dataset, log in by_dataset.items()
    }
    found = _by_method_and_dataset(logs).astype({"epoch_steps": "Int64"})
    return found.assign(**{name: found[name] / 100 for name in ("untrained", "best", "last")})


@cache
def later_figures() -> pd.DataFrame:
    """Read the figures of later papers, which are on other data and mostly of pre-trained networks.

    Returns:
        a line per figure: `method`, name and network; `pretraining`, what the network was pre-trained on;
            `dataset`; `readout`, "clusters" under a Hungarian matching or "linear probe", which is trained
            with labels; `pixel_accuracy` and `mean_iou`, shares, missing where not known; `marks`, what a
            score of this project does not do, such as a CRF, or what is unknown; and `source`
    """
    columns = ["method", "pretraining", "dataset", "readout", "pixel_accuracy", "mean_iou", "marks", "source"]
    lines = [
        {**entry, "readout": "clusters", **figure, "marks": "; ".join(entry.get("marks", []) + marks)}
        for entry in _content()["later"]
        for figure in entry["figures"]
        for marks in [figure.get("marks", [])]
    ]
    found = pd.DataFrame(lines, columns=columns)
    return found.assign(**{name: found[name] / 100 for name in ("pixel_accuracy", "mean_iou")})


def later_papers(datasets: Collection[str]) -> Table | None:
    """Return the table of what later papers have published on these data sets; None if there is nothing."""
    figures = later_figures()
    numbers = figures[figures["dataset"].isin(datasets)].reset_index(drop=True)
    if numbers.empty:
        return None
    shown = readable(numbers, LATER_COLUMNS)
    return Table(title="Published by later papers", shown=shown, numbers=numbers, notes=LATER_NOTES).cut()


def reference_methods() -> frozenset[str]:
    """Return the methods that learn nothing and stand as reference rows."""
    return frozenset(_content()["references"])


def published_layout() -> tuple[dict[str, str], dict[str, str]]:
    """Return rows and columns of the paper's main table in its order: names to titles, methods first."""
    layout = _content()["layout"]
    return layout["methods"], layout["datasets"]


def _by_method_and_dataset(lines: Mapping[tuple[str, str], Mapping[str, Any]]) -> pd.DataFrame:
    index = pd.MultiIndex.from_tuples(lines, names=["method", "dataset"])
    return pd.DataFrame([*lines.values()], index)


@cache
def _content() -> Mapping[str, Any]:
    return tomllib.loads((files("infoseg_bench.reporting") / "published.toml").read_text())
