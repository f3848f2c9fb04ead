"""Boards: the finished runs of one data set as DataFrames, seeds averaged."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd
from jaxtyping import Float64

from infoseg_bench.records.counts_file import COLLAPSED_SHARE
from infoseg_bench.records.differences import Differences
from infoseg_bench.records.record import Costs, DatasetFacts
from infoseg_bench.reporting.bootstrap import intervals, resample_images, resample_seeds
from infoseg_bench.reporting.loaded_runs import Run
from infoseg_bench.reporting.published_figures import published_figures, reference_methods

SCORES = (
    "pixel_accuracy",
    "best_pixel_accuracy",
    "mean_iou",
    "mean_class_accuracy",
    "majority_pixel_accuracy",
    "normalized_mutual_information",
    "adjusted_rand_index",
)
"""Scores of every run, as shares in [0, 1] (the last may be negative)."""
COSTS = ("training_hours", "train_images_per_second", "peak_host_bytes", "peak_device_bytes")


@dataclass(frozen=True, kw_only=True, eq=False)
class Board:
    """All rows that may be compared: the same pixels, labels and protocol.

    Attributes:
        dataset: its name
        fingerprint: of the prepared data
        protocol: label protocol
        facts: what the records say of the data
        runs: a line per run, by row and seed; the index is the run's identity
        rows: a line per row, that is, runs that differ in nothing but the seed; the highest PA first, the
            index is the row's identity
        draws: PA of every bootstrap draw, a line per row
        loaded: the runs themselves, by identity
    """

    dataset: str
    fingerprint: str
    protocol: str
    facts: DatasetFacts
    runs: pd.DataFrame
    rows: pd.DataFrame
    draws: Float64[np.ndarray, "row resample"]
    loaded: dict[str, Run]

    @property
    def name(self) -> str:
        """Name for a folder; the fingerprint tells subsets of the same data set apart."""
        return f"{self.dataset}--{self.protocol}--{self.fingerprint[:8]}"

    @property
    def constant(self) -> float:
        """PA of the most frequent class everywhere, as a share."""
        return self.facts.constant_pixel_accuracy

    @property
    def steps(self) -> list[int]:
        """The different lengths of training on this board."""
        return [int(steps) for steps in sorted(self.rows["steps"].dropna().unique())]

    def seeds(self, row: str) -> list[Run]:
        """Return the runs of a row, by seed."""
        return [self.loaded[identity] for identity in self.runs.index[self.runs["row"] == row]]

    def settings(self, row: str) -> dict[str, Any]:
        """Return all that tells a row from others of its method: parameters, budget, version."""
        return cast("dict[str, Any]", json.loads(str(self.rows.at[row, "settings"])))

    def leading(self, number: int) -> pd.DataFrame:
        """Return the best row of every method, then the next best, `number` at most, the highest PA first."""
        best = self.rows.drop_duplicates("method")
        chosen = [*best.index, *self.rows.index.difference(best.index, sort=False)][:number]
        return self.rows[self.rows.index.isin(chosen)]


def each(frame: pd.DataFrame) -> Iterator[Any]:
    """Return the lines of a frame as tuples with the columns' names."""
    return iter(frame.itertuples())


def make_boards(runs: Iterable[Run]) -> list[Board]:
    """Put runs into rows and rows into boards, the best PA first."""
    loaded = {run.record.identity: run for run in runs}
    if not loaded:
        return []
    frame = pd.DataFrame([_line(run) for run in loaded.values()], index=pd.Index(loaded, name="run"))
    whole = ["steps", "peak_host_bytes", "peak_device_bytes"]
    frame = frame.astype(dict.fromkeys(whole, "Int64") | dict.fromkeys(COSTS[:2], "float64"))
    keys = ["dataset", "fingerprint", "protocol"]
    return [
        _board(cast("tuple[str, str, str]", key), part.sort_values(["row", "seed"]), loaded)
        for key, part in frame.groupby(keys)
    ]


def _line(run: Run) -> dict[str, Any]:
    record, spec = run.record, run.record.spec
    budget, last, clusters = spec.budget, record.last, run.counts.sum(axis=1) / run.counts.sum()
    return {
        **spec.model_dump(include={"dataset", "protocol", "fingerprint", "method", "seed"}),
        "row": record.row,
        "title": record.method_title,
        "selection": record.selected.selection if record.selected else "last",
        "selected_step": record.selected.step if record.selected else None,
        "selected_pixel_accuracy": record.selected.one_to_one.pixel_accuracy if record.selected else np.nan,
        "label_use": record.label_use or "none",
        "steps": budget.steps if budget else pd.NA,
        "settings": json.dumps(spec.settings, sort_keys=True),
        "pixel_accuracy": record.pixel_accuracy,
        "best_pixel_accuracy": record.best.one_to_one.pixel_accuracy,
        "mean_iou": last.one_to_one.mean_iou,
        "mean_class_accuracy": last.one_to_one.mean_class_accuracy,
        "majority_pixel_accuracy": last.majority.pixel_accuracy,
        "normalized_mutual_information": last.normalized_mutual_information,
        "adjusted_rand_index": last.adjusted_rand_index,
        "best_step": record.best.step,
        "clusters": len(clusters),
        "largest_cluster": clusters.max(),
        "effective_clusters": np.exp(
            -(clusters * np.log(clusters, where=clusters > 0, out=np.zeros_like(clusters))).sum()
        ),
        **_costs(record.costs),
        "device": record.provenance.gpu or record.provenance.cpu,
        "version": record.provenance.benchmark_version,
        "commit": record.provenance.git_commit,
        "started": record.provenance.started,
    }


def _costs(costs: Costs | None) -> dict[str, float | None]:
    if costs is None:
        return dict.fromkeys(COSTS)
    return {
        "training_hours": costs.fit_seconds / 3600,
        "train_images_per_second": costs.train_images_per_second,
        "peak_host_bytes": costs.peak_host_bytes,
        "peak_device_bytes": costs.peak_device_bytes or None,
    }


def _board(key: tuple[str, str, str], runs: pd.DataFrame, loaded: dict[str, Run]) -> Board:
    mine = {identity: loaded[identity] for identity in runs.index}
    rows, by_run = (
        _rows(runs, mine),
        resample_images(*zip(*((r.correct, r.pixels) for r in mine.values()), strict=True)),
    )
    places = runs.groupby("row").indices
    draws = np.stack([resample_seeds(by_run[places[row]], row) for row in rows.index])
    rows["pixel_accuracy_low"], rows["pixel_accuracy_high"] = intervals(draws)
    dataset, fingerprint, protocol = key
    return Board(
        dataset=dataset,
        fingerprint=fingerprint,
        protocol=protocol,
        facts=next(iter(mine.values())).record.dataset,
        runs=runs,
        rows=rows,
        draws=draws,
        loaded=mine,
    )


def _rows(runs: pd.DataFrame, loaded: dict[str, Run]) -> pd.DataFrame:
    """Aggregate runs over their seeds; the standard deviation is the sample's, NaN for a single seed."""
    groups = runs.groupby("row")
    same = [
        "dataset",
        "protocol",
        "fingerprint",
        "method",
        "title",
        "settings",
        "steps",
        "label_use",
        "selection",
    ]
    rows = groups[same].first()
    rows["n"] = groups.size()
    rows["seeds"] = groups["seed"].agg(lambda seeds: " ".join(map(str, seeds)))
    rows["runs"] = groups["seed"].agg(lambda seeds: " ".join(identity[:6] for identity in seeds.index))
    rows["collapsed"] = (runs["largest_cluster"] >= COLLAPSED_SHARE).groupby(runs["row"]).sum()
    for score in SCORES:
        rows[f"{score}_mean"], rows[f"{score}_std"] = groups[score].mean(), groups[score].std()
    rows["selected_pixel_accuracy"] = groups["selected_pixel_accuracy"].mean()
    for cost in COSTS:
        rows[cost] = groups[cost].max() if cost.startswith("peak") else groups[cost].mean()
    specs = {run.record.row: run.record.spec for run in loaded.values()}
    words = Differences.among(specs.values()).text
    rows["differs"] = [words(specs[row]) for row in rows.index]
    rows["label"] = rows["title"] + rows["differs"].map(lambda text: f" ({text})" if text else "")
    rows["reference"] = rows["method"].isin(reference_methods())
    published = [published_figures().get(key) for key in zip(rows["method"], rows["dataset"], strict=True)]
    rows["published_pixel_accuracy"] = [one.pixel_accuracy if one else np.nan for one in published]
    rows["published_source"] = [one.source if one else None for one in published]
    return rows.sort_values(["pixel_accuracy_mean", "row"], ascending=[False, True])
