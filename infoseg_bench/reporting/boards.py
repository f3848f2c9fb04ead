"""Boards: the finished runs of one data set as DataFrames, seeds averaged."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float64

from infoseg_bench.records.counts_file import COLLAPSED_SHARE
from infoseg_bench.records.differences import Differences
from infoseg_bench.records.record import DatasetFacts
from infoseg_bench.records.results_table import finished_rows, results_table
from infoseg_bench.reporting.bootstrap import intervals, resample_images, resample_seeds
from infoseg_bench.reporting.loaded_runs import Run
from infoseg_bench.reporting.published_figures import published_figures, reference_methods

SCORES = (
    *("pixel_accuracy", "best_pixel_accuracy", "mean_iou", "mean_class_accuracy"),
    *("majority_pixel_accuracy", "nmi", "ari"),
)
"""Scores of every run, as shares in [0, 1] (the last may be negative)."""
SCRATCH, PRETRAINED = "from scratch", "pre-trained"
"""The tracks, which are ranked apart, in this order: pre-training is no part of the benchmark's own data."""
UNTRAINED = "random"
"""Value of a parameter `weights` for an untrained network, whose row is a reference and never leads."""
_KEY = ["dataset", "fingerprint", "protocol"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Board:
    """All rows that may be compared: the same pixels, labels and protocol.

    Attributes:
        dataset: its name
        fingerprint: of the prepared data
        protocol: label protocol
        facts: what the records say of the data
        title: name of the data, with what tells them from others of the same name and protocol
        runs: a line per run, by row and seed, with the columns of `load_results`; the index is the identity
        rows: a line per row, that is, runs that differ in nothing but the seed; those trained from scratch
            first, then by PA, the highest first; the index is the row's identity
        draws: PA of every bootstrap draw, a line per row
        loaded: the runs themselves, by identity
        seeds: the runs of every row, by seed
    """

    dataset: str
    fingerprint: str
    protocol: str
    facts: DatasetFacts
    title: str
    runs: pd.DataFrame
    rows: pd.DataFrame
    draws: Float64[np.ndarray, "row resample"]
    loaded: dict[str, Run]
    seeds: dict[str, list[Run]]

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

    def settings(self, row: str) -> dict[str, Any]:
        """Return all that tells a row from others of its method: parameters, budget, version."""
        return self.seeds[row][0].record.spec.settings

    def leading(self, number: int) -> pd.DataFrame:
        """Return the best row of every method, then the next best, `number` at most, in the board's order."""
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
    groups = _runs(loaded).sort_values(["row", "seed"]).groupby(_KEY)
    boards = [_board(part, {identity: loaded[identity] for identity in part.index}) for _, part in groups]
    titles = told_apart([(board.title, board.protocol, _facts(board)) for board in boards])
    return [replace(board, title=title) for board, title in zip(boards, titles, strict=True)]


def told_apart(things: Sequence[tuple[str, str, Sequence[str]]]) -> list[str]:
    """Return titles, each with what tells it from others of the same title and kind.

    Args:
        things: title, kind, and what may tell the thing from others, the clearest first
    """
    titles = []
    for title, kind, mine in things:
        same, parts = [facts for other, its, facts in things if (other, its) == (title, kind)], []
        for place, value in enumerate(mine):
            alike = [facts for facts in same if facts[place] == value]
            if len(alike) < len(same):
                same = alike
                parts += [value] if value != title else []
        titles.append(f"{title} ({', '.join(parts)})" if parts else title)
    return titles


def _facts(board: Board) -> list[str]:
    data = board.facts
    return [
        board.dataset,
        f"{data.crop}x{data.crop}",
        f"{len(data.classes)} classes",
        f"{data.train_images} photos to train on",
        f"{data.evaluation_images} scored",
        f"first run {board.runs['started'].min()[:10]}",
        f"data {board.fingerprint[:8]}",
    ]


def _runs(loaded: dict[str, Run]) -> pd.DataFrame:
    """Return a line per run: the last state of `load_results`, beside it other states, costs and clusters."""
    lines = [line for run in loaded.values() for line in finished_rows(run.folder, run.record)]
    table = results_table(lines).set_index("identity")
    runs, best = (table[table["selection"] == state] for state in ("last", "best"))
    selected = table[~table["selection"].isin(["last", "best"])]
    shares = [run.counts.sum(axis=1) / run.counts.sum() for run in loaded.values()]
    whole = ["steps", "peak_host_bytes", "peak_device_bytes"]
    return runs.assign(
        label_use=runs["label_use"].fillna("none"),
        pretrained=[run.record.pretrained or "" for run in loaded.values()],
        best_pixel_accuracy=best["pixel_accuracy"],
        best_step=best["step"],
        selected_by=selected["selection"].reindex(runs.index, fill_value=""),
        selected_pixel_accuracy=selected["pixel_accuracy"],
        selected_step=selected["step"],
        training_hours=runs["fit_seconds"] / 3600,
        clusters=[len(one) for one in shares],
        largest_cluster=[one.max() for one in shares],
        effective_clusters=[np.exp(-(one * np.log(np.maximum(one, 1e-300))).sum()) for one in shares],
        settings=[json.dumps(run.record.spec.settings, sort_keys=True) for run in loaded.values()],
    ).astype(dict.fromkeys(whole, "Int64") | {"train_images_per_second": "float64"})


def _board(runs: pd.DataFrame, loaded: dict[str, Run]) -> Board:
    rows, ordered, places = _rows(runs, loaded), list(loaded.values()), runs.groupby("row").indices
    by_run = resample_images([one.correct for one in ordered], [one.pixels for one in ordered])
    draws = np.stack([resample_seeds(by_run[places[row]], row) for row in rows.index])
    rows["pixel_accuracy_low"], rows["pixel_accuracy_high"] = intervals(draws)
    return Board(
        **ordered[0].record.spec.model_dump(include={*_KEY}),
        facts=ordered[0].record.dataset,
        title=ordered[0].record.dataset.title,
        runs=runs,
        rows=rows,
        draws=draws,
        loaded=loaded,
        seeds={row: [ordered[place] for place in places[row]] for row in rows.index},
    )


def _rows(runs: pd.DataFrame, loaded: dict[str, Run]) -> pd.DataFrame:
    """Aggregate runs over their seeds; the standard deviation is the sample's, NaN for a single seed."""
    collapsed = runs["largest_cluster"] >= COLLAPSED_SHARE
    groups = runs.assign(run=runs.index.str[:6], collapsed=collapsed).groupby("row")
    same = [*_KEY, "method", "method_title", "settings", "steps", "selected_by"]
    scores = groups[[*SCORES, "selected_pixel_accuracy"]].agg(["mean", "std"])
    scores.columns = scores.columns.map("_".join)
    rows = groups[same].first().join(scores)
    rows = rows.join(
        groups.agg(
            # What one seed has used, the row has.
            label_use=("label_use", lambda uses: " and ".join(sorted({*uses} - {"none"})) or "none"),
            pretrained=("pretrained", lambda names: " and ".join(sorted({*names} - {""}))),
            n=("seed", "size"),
            seeds=("seed", lambda seeds: " ".join(map(str, seeds))),
            runs=("run", " ".join),
            collapsed=("collapsed", "sum"),
            selected_steps=("selected_step", lambda steps: ", ".join(f"{step:.0f}" for step in steps)),
            training_hours=("training_hours", "mean"),
            train_images_per_second=("train_images_per_second", "mean"),
            peak_host_bytes=("peak_host_bytes", "max"),
            peak_device_bytes=("peak_device_bytes", "max"),
        )
    )
    specs = {run.record.row: run.record.spec for run in loaded.values()}
    texts = Differences.among(specs.values()).texts
    weights = [f"pre-trained: {name}" if name else "" for name in rows["pretrained"]]
    differs = ["; ".join(filter(None, pair)) for pair in zip(rows.index.map(texts), weights, strict=True)]
    rows["label"] = rows["method_title"] + [f" ({settings})" if settings else "" for settings in differs]
    untrained = rows.index.map(lambda row: specs[row].parameters.get("weights") == UNTRAINED)
    rows["reference"] = rows["method"].isin(reference_methods()) | untrained.to_numpy()
    rows["dropping"] = [specs[row].drops_extra_clusters for row in rows.index]
    rows = rows.join(published_figures().add_prefix("published_"), on=["method", "dataset"])
    rows["track"] = np.where(rows["pretrained"] == "", SCRATCH, PRETRAINED)
    return rows.sort_values(["track", "pixel_accuracy_mean", "row"], ascending=[True, False, True])
