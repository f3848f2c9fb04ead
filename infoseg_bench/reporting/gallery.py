"""Galleries of photos without labels: segments side by side, cluster sizes, agreement between seeds."""

from __future__ import annotations

import textwrap
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from infoseg_bench.contracts.registry import load_recipes
from infoseg_bench.data.catalogue import PreparedDataset, prepared_datasets
from infoseg_bench.data.view import VOID
from infoseg_bench.records.record import UnscoredRecord
from infoseg_bench.records.segments import agreement, effective_clusters
from infoseg_bench.reporting.loaded_runs import SegmentedRun
from infoseg_bench.reporting.output import Output
from infoseg_bench.reporting.page import environment
from infoseg_bench.reporting.pictures import data_uri
from infoseg_bench.reporting.table import to_csv

PHOTOS = 24
"""Photos of a gallery at most, evenly spaced; chosen by this project."""
TOLD = 8
"""Columns of the table of sizes before those of the single clusters."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Gallery:
    """All such runs on one data set with one content, method by method and seed by seed."""

    runs: tuple[SegmentedRun, ...]

    @property
    def first(self) -> UnscoredRecord:
        """Return the first run's record: data set and content are those of all."""
        return self.runs[0].record

    @property
    def name(self) -> str:
        """Return the name of its folder in a report."""
        return f"{self.first.spec.dataset}--segments--{self.first.spec.fingerprint[:8]}"


def make_galleries(runs: Iterable[SegmentedRun]) -> list[Gallery]:
    """Return a gallery for every data set and content."""
    groups = defaultdict[tuple[str, str], list[SegmentedRun]](list)
    for run in runs:
        groups[run.record.spec.dataset, run.record.spec.fingerprint].append(run)
    return [Gallery(runs=tuple(found)) for _, found in sorted(groups.items())]


def write_galleries(
    galleries: Sequence[Gallery], data: Path | None, *, public: Output, local: Output
) -> list[Path]:
    """Write a table and a page for every gallery.

    A page that shows photos which may not be published goes to `local`.

    Args:
        galleries: of a results folder
        data: folder of the stores; without it, pages show segments alone
        public: folder of the report
        local: its folder of what must not be published

    Returns:
        the pages
    """
    prepared = prepared_datasets(data)[0] if data and data.is_dir() else {}
    pages = []
    for gallery in galleries:
        public.put(f"{gallery.name}/sizes.csv", to_csv(sizes_table(gallery)))
        found = prepared.get(gallery.first.spec.dataset)
        if found and found.store.fingerprint != gallery.first.spec.fingerprint:
            found = None
        recipe = load_recipes().recipes.get(str(found.store.attributes.get("recipe"))) if found else None
        publishable = found is None or (recipe is not None and recipe.republishable)
        if not publishable:
            local.put(".gitignore", "*\n")
        folder = public if publishable else local
        pages.append(folder.put(f"{gallery.name}/index.html", page(gallery, found)))
    return pages


def sizes_table(gallery: Gallery) -> pd.DataFrame:
    """Return a row per run: cluster sizes, and the mean agreement with the other seeds of its row.

    Columns are `run` (the short identity), `method`, `seed`, `steps`, `clusters_in_use` (in [1, K]),
    `entropy` (nats), `seeds_nmi` (in [0, 1]) and `seeds_ari` (in [-0.5, 1]; both missing for a single
    seed), and `cluster_0`, `cluster_1`, ... with every cluster's share of the pixels.
    """
    return pd.DataFrame([_sizes(run, gallery.runs) for run in gallery.runs])


def _sizes(run: SegmentedRun, runs: Sequence[SegmentedRun]) -> dict[str, object]:
    record = run.record
    found = [
        agreement(run.segments, other.segments)
        for other in runs
        if other is not run and other.record.row == record.row and other.segments.ids == run.segments.ids
    ]
    information, rand = np.mean(found or [(np.nan, np.nan)], axis=0)
    return {
        "run": record.identity[:8],
        "method": record.method_title,
        "seed": record.spec.seed,
        "steps": record.sizes.step,
        "clusters_in_use": effective_clusters(record.sizes),
        "entropy": record.sizes.entropy,
        "seeds_nmi": information,
        "seeds_ari": rand,
        **{f"cluster_{index}": share for index, share in enumerate(record.sizes.shares)},
    }


def text(gallery: Gallery) -> str:
    """Return the table for a terminal of 80 columns."""
    table = sizes_table(gallery).iloc[:, :TOLD]
    titles = {"clusters_in_use": "in use", "seeds_nmi": "NMI", "seeds_ari": "ARI"}
    lines = table.rename(columns=titles).to_string(index=False, float_format="%.2f", na_rep="")
    facts = gallery.first.dataset
    summary = (
        f"{facts.title}: {facts.train_images} photos without labels, {facts.clusters} clusters. Nothing is "
        "scored; NMI and ARI are the agreement between seeds."
    )
    return f"{textwrap.fill(summary, 79)}\n\n{lines}"


def page(gallery: Gallery, prepared: PreparedDataset | None) -> str:
    """Return the gallery as one HTML page, with photos where their data set is prepared here."""
    firsts: dict[str, SegmentedRun] = {}
    for run in gallery.runs:
        firsts.setdefault(run.record.row, run)
    ids = next(iter(firsts.values())).segments.ids
    chosen = np.linspace(0, len(ids) - 1, min(PHOTOS, len(ids))).round().astype(int).tolist()
    photos = _photos(gallery, prepared, chosen) if prepared else [""] * len(chosen)
    rows = [
        {"id": ids[index], "photo": photo, "segments": [_segments(run, index) for run in firsts.values()]}
        for index, photo in zip(chosen, photos, strict=True)
    ]
    facts = gallery.first.dataset
    titles = {run: f"{run.record.method_title}, seed {run.record.spec.seed}" for run in gallery.runs}
    table = sizes_table(gallery).iloc[:, :TOLD]
    return (
        environment()
        .get_template("gallery.html.j2")
        .render(
            facts=facts,
            palette=[f"rgb({r}, {g}, {b})" for r, g, b in facts.palette],
            head=list(table.columns),
            body=table.map(lambda cell: f"{cell:.2f}" if isinstance(cell, float) else cell)
            .replace("nan", "")
            .values,
            shares=[run.record.sizes.shares for run in gallery.runs],
            titles=[titles[run] for run in firsts.values()],
            rows=rows,
            warnings=[f"{titles[run]}: {text}" for run in gallery.runs for text in run.record.warnings],
        )
    )


def _photos(gallery: Gallery, prepared: PreparedDataset, chosen: Sequence[int]) -> list[str]:
    # PyTorch takes seconds to import: only for this.
    from infoseg_bench.inference.checkpointed import read_images, to_bytes

    images = read_images(prepared, gallery.first.spec.protocol).images
    return [data_uri(pixels, photo=True) for pixels in to_bytes(images[list(chosen)])]


def _segments(run: SegmentedRun, index: int) -> str:
    colours = np.zeros((VOID + 1, 3), dtype=np.uint8)
    colours[: len(run.record.dataset.palette)] = run.record.dataset.palette
    return data_uri(colours[run.segments.clusters[index]], photo=False)
