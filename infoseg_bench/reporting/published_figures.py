"""The papers' own figures, shown beside measured ones and never mixed with them; read from `published/`."""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import pandas as pd

from infoseg_bench.reporting.table import Columns, Table, readable

FOLDER = files("infoseg_bench.reporting") / "published"
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
def published_table() -> pd.DataFrame:
    """Read InfoSeg's Table 1 in its order.

    Returns:
        by method: `title`; `reference`, whether it learns nothing and stands as a reference row; the pixel
            accuracy on every data set in percent; `source` and `selection`, as in `published_figures`
    """
    return _read("infoseg_table_1.csv").set_index("method")


def published_datasets() -> list[str]:
    """Return the data sets of InfoSeg's Table 1 in its order."""
    return [*published_table().columns.drop(["title", "reference", "source", "selection"])]


def reference_methods() -> frozenset[str]:
    """Return the methods that learn nothing and stand as reference rows."""
    table = published_table()
    return frozenset(table.index[table["reference"]])


@cache
def published_figures() -> pd.DataFrame:
    """Return all figures of methods at their best settings.

    Returns:
        by method and data set: `pixel_accuracy`, a share; `source`, publication and table; `selection`,
            which state of the training it is of
    """
    kept, names = ["method", "source", "selection"], ["method", "dataset"]
    long = published_table().reset_index().melt(kept, published_datasets(), "dataset", "pixel_accuracy")
    return _shares(long.dropna().set_index(names), "pixel_accuracy")


@cache
def published_ablations() -> tuple[Ablation, ...]:
    """Read the published studies."""
    studies: list[dict[str, Any]] = tomllib.loads((FOLDER / "ablations.toml").read_text())["ablations"]
    rows = (_shares(pd.DataFrame(study["rows"]), "pixel_accuracy") for study in studies)
    return tuple(Ablation(**{**study, "rows": some}) for study, some in zip(studies, rows, strict=True))


@cache
def published_logs() -> pd.DataFrame:
    """Read what the training logs of IIC say.

    Returns:
        by method (settings of no table follow its name) and data set: `run`, the log's own name for it;
            `untrained`, the pixel accuracy before training, `best`, that of the best epoch, chosen with
            labels, and `last`, shares; the epochs' numbers `best_epoch` and `last_epoch`; `epoch`, what is
            counted as one; `epoch_steps`, its training steps, missing if not known; and `source`
    """
    logs = _read("iic_logs.csv").set_index(["method", "dataset"]).astype({"epoch_steps": "Int64"})
    return _shares(logs, "untrained", "best", "last")


@cache
def later_figures() -> pd.DataFrame:
    """Read the figures of later papers, which are on other data and mostly of pre-trained networks.

    Returns:
        a line per figure: `method`, name and network; `pretraining`, what the network was pre-trained on;
            `dataset`; `readout`, "clusters" under a Hungarian matching or "linear probe", which is trained
            with labels; `pixel_accuracy` and `mean_iou`, shares, missing if not known; `marks`, what a
            score of this project does not do, such as a CRF, or what is unknown; and `source`
    """
    return _shares(_read("later_papers.csv").fillna({"marks": ""}), "pixel_accuracy", "mean_iou")


def later_papers(datasets: Collection[str]) -> Table | None:
    """Return the table of what later papers have published on these data sets; None if there is nothing."""
    figures = later_figures()
    numbers = figures[figures["dataset"].isin(datasets)].reset_index(drop=True)
    if numbers.empty:
        return None
    shown = readable(numbers, LATER_COLUMNS)
    return Table(title="Published by later papers", shown=shown, numbers=numbers, notes=LATER_NOTES).cut()


def _read(name: str) -> pd.DataFrame:
    with (FOLDER / name).open() as file:
        return pd.read_csv(file, comment="#")


def _shares(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Return a frame with columns in percent as shares in [0, 1]."""
    return frame.assign(**{name: frame[name] / 100 for name in columns})
