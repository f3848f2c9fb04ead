"""Galleries of photos without labels: segments side by side, cluster sizes, agreement between seeds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from infoseg_bench.data.catalogue import PreparedDataset
from infoseg_bench.data.view import VOID
from infoseg_bench.records.differences import Differences
from infoseg_bench.records.record import UnscoredRecord
from infoseg_bench.records.segments import agreement, effective_clusters
from infoseg_bench.reporting.boards import told_apart
from infoseg_bench.reporting.loaded_runs import SegmentedRun
from infoseg_bench.reporting.output import Output
from infoseg_bench.reporting.page import environment
from infoseg_bench.reporting.pictures import data_uri, photos_of
from infoseg_bench.reporting.table import to_csv

PHOTOS = 24
"""Photos of a gallery at most, evenly spaced; chosen by this project."""
SUMMARY = {
    "run": "run", "method": "method", "seed": "seed", "steps": "steps", "clusters_in_use": "clusters in use",
    "entropy": "entropy", "seeds_nmi": "NMI between seeds", "seeds_ari": "ARI between seeds",
}  # fmt: skip
"""What people are shown of the table of sizes: columns and their titles."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Gallery:
    """All such runs on one data set with one content, method by method and seed by seed.

    Attributes:
        title: name of the data, with what tells them from others of the same name
        runs: at least one
        labels: method of every row, with what tells it from others of the method, by the row's identity
    """

    title: str
    runs: tuple[SegmentedRun, ...]
    labels: dict[str, str]

    @property
    def first(self) -> UnscoredRecord:
        """Return the first run's record: data set and content are those of all."""
        return self.runs[0].record

    @property
    def name(self) -> str:
        """Return the name of its folder in a report."""
        return f"{self.first.spec.dataset}--segments--{self.first.spec.fingerprint[:8]}"

    @property
    def summary(self) -> str:
        """Return in words what was segmented."""
        facts = self.first.dataset
        return f"{self.title}: {facts.train_images} photos without labels, {facts.clusters} clusters"

    @cached_property
    def sizes(self) -> pd.DataFrame:
        """Return a row per run: cluster sizes, and the mean agreement with the other seeds of its row.

        Columns are `run` (the short identity), `method` (with the settings in which its rows differ), `seed`,
        `steps` (missing if the method does not train in steps), `clusters_in_use` (in [1, K]), `entropy`
        (nats), `seeds_nmi` (in [0, 1]) and `seeds_ari` (in [-0.5, 1]; both missing for a single seed), and
        `cluster_0`, `cluster_1`, ... with every cluster's share of the pixels.
        """
        lines = []
        for run in self.runs:
            record = run.record
            others = [other for other in self.runs if other is not run and other.record.row == record.row]
            alike = [other.segments for other in others if other.segments.ids == run.segments.ids]
            found = [agreement(run.segments, other) for other in alike] or [(np.nan, np.nan)]
            steps = record.spec.budget.steps if record.spec.budget else None
            facts = record.identity[:8], self.labels[record.row], record.spec.seed, steps
            sizes = effective_clusters(record.sizes), record.sizes.entropy, *np.mean(found, axis=0)
            shares = {f"cluster_{index}": share for index, share in enumerate(record.sizes.shares)}
            lines.append({**dict(zip(SUMMARY, (*facts, *sizes), strict=True)), **shares})
        return pd.DataFrame(lines).astype({"steps": "Int64"})


def make_galleries(runs: Iterable[SegmentedRun]) -> list[Gallery]:
    """Return a gallery for every data set and content."""
    groups = defaultdict[tuple[str, str], list[SegmentedRun]](list)
    for run in runs:
        groups[run.record.spec.dataset, run.record.spec.fingerprint].append(run)
    galleries = [_gallery(found) for _, found in sorted(groups.items())]
    titles = told_apart([(gallery.title, "", _facts(gallery)) for gallery in galleries])
    return [replace(gallery, title=title) for gallery, title in zip(galleries, titles, strict=True)]


def _facts(gallery: Gallery) -> list[str]:
    spec, data = gallery.first.spec, gallery.first.dataset
    return [
        spec.dataset,
        f"{data.crop}x{data.crop}",
        f"{data.clusters} clusters",
        f"{data.train_images} photos",
        f"first run {min(run.record.provenance.started for run in gallery.runs)[:10]}",
        f"data {spec.fingerprint[:8]}",
    ]


def _gallery(runs: list[SegmentedRun]) -> Gallery:
    label = Differences.among(run.record.spec for run in runs).label
    labels = {run.record.row: label(run.record.spec, run.record.method_title) for run in runs}
    runs.sort(key=lambda run: (labels[run.record.row], run.record.spec.seed))
    return Gallery(title=runs[0].record.dataset.title, runs=tuple(runs), labels=labels)


def write_galleries(
    galleries: Sequence[Gallery], data: Path | None, *, public: Output, local: Output
) -> list[Path]:
    """Write a table and a page for every gallery, and return the pages.

    A page that shows photos which may not be published goes to `local`.

    Args:
        galleries: of a results folder
        data: folder of the stores; without it, pages show segments alone
        public: folder of the report
        local: its folder of what must not be published
    """
    pages = []
    for gallery in galleries:
        public.put(f"{gallery.name}/sizes.csv", to_csv(gallery.sizes))
        prepared, publishable = photos_of(data, gallery.first.spec)
        folder = public if publishable else local
        pages.append(folder.put(f"{gallery.name}/index.html", page(gallery, prepared)))
    return pages


def readable_sizes(gallery: Gallery) -> pd.DataFrame:
    """Return the first columns of a gallery's `sizes` as texts for people."""
    table = gallery.sizes[[*SUMMARY]].rename(columns=SUMMARY)
    figures, texts = table.select_dtypes("float"), table.astype("string")
    # The sum makes 0.00 of -0.00.
    texts[figures.columns] = (figures.round(2) + 0.0).map("{:.2f}".format)
    return texts.where(table.notna(), "")


def page(gallery: Gallery, prepared: PreparedDataset | None) -> str:
    """Return the gallery as one HTML page, with photos where their data set is prepared here."""
    firsts: dict[str, SegmentedRun] = {}
    for run in gallery.runs:
        firsts.setdefault(run.record.row, run)
    ids = gallery.runs[0].segments.ids
    chosen = np.linspace(0, len(ids) - 1, min(PHOTOS, len(ids))).round().astype(int).tolist()
    photos = _photos(gallery, prepared, chosen) if prepared else [""] * len(chosen)
    # Films show photos, so a page without photos has none.
    films = [(run, run.folder.content(run.folder.film_file)) for run in firsts.values() if prepared]
    return environment().get_template("gallery.html.j2").render(
        title=gallery.title,
        facts=gallery.first.dataset,
        runs=gallery.runs,
        labels=gallery.labels,
        shown=[*firsts.values()],
        photos=[(index, ids[index], photo) for index, photo in zip(chosen, photos, strict=True)],
        segments=_segments,
        films=[(run, film) for run, film in films if film],
        table=readable_sizes(gallery),
    )  # fmt: skip


def _photos(gallery: Gallery, prepared: PreparedDataset, chosen: Sequence[int]) -> list[str]:
    # PyTorch takes seconds to import: only for this.
    from infoseg_bench.inference.checkpointed import read_images, to_bytes

    images = read_images(prepared, gallery.first.spec.protocol).images
    return [data_uri(pixels, photo=True) for pixels in to_bytes(images[list(chosen)])]


def _segments(run: SegmentedRun, index: int) -> str:
    colours = np.zeros((VOID + 1, 3), dtype=np.uint8)
    colours[: len(run.record.dataset.palette)] = run.record.dataset.palette
    return data_uri(colours[run.segments.clusters[index]])
