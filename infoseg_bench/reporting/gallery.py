"""Galleries of photos without labels: segments side by side, cluster sizes, agreement between seeds."""

from __future__ import annotations

import base64
import io
import textwrap
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

from infoseg_bench.contracts.registry import load_recipes
from infoseg_bench.data.catalogue import prepared_datasets
from infoseg_bench.data.evaluation_set import EvaluationSet
from infoseg_bench.data.store import Store
from infoseg_bench.data.view import VOID
from infoseg_bench.inference.checkpointed import to_bytes
from infoseg_bench.records.record import UnscoredRecord
from infoseg_bench.records.segments import agreement, effective_clusters
from infoseg_bench.reporting.loaded_runs import SegmentedRun
from infoseg_bench.reporting.output import Output

if TYPE_CHECKING:
    import pandas as pd

PHOTOS = 24
"""Photos of a gallery at most, evenly spaced; chosen by this project."""
JPEG_QUALITY = 90
"""Of the photos on a page; chosen by this project."""


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
        public.put(f"{gallery.name}/sizes.csv", sizes_table(gallery).to_csv(index=False))
        found = prepared.get(gallery.first.spec.dataset)
        store = found.store if found and found.store.fingerprint == gallery.first.spec.fingerprint else None
        recipe = load_recipes().recipes.get(str(store.attributes.get("recipe"))) if store else None
        publishable = store is None or (recipe is not None and recipe.republishable)
        if not publishable:
            local.put(".gitignore", "*\n")
        pages.append(
            (public if publishable else local).put(f"{gallery.name}/index.html", page(gallery, store))
        )
    return pages


def sizes_table(gallery: Gallery) -> pd.DataFrame:
    """Return a row per run: cluster sizes, and the mean agreement with the other seeds of its row.

    Columns are `run` (the short identity), `method`, `seed`, `steps`, `clusters_in_use` (in [1, K]),
    `entropy` (nats), `seeds_nmi` (in [0, 1]) and `seeds_ari` (in [-0.5, 1]; both missing for a single
    seed), and `cluster_0`, `cluster_1`, ... with every cluster's share of the pixels.
    """
    import pandas as pd

    pairs = defaultdict[str, list[tuple[float, float]]](list)
    for one, other in combinations(gallery.runs, 2):
        alike = one.segments.ids == other.segments.ids
        if one.record.row == other.record.row and alike:
            found = agreement(one.segments, other.segments)
            pairs[one.record.identity].append(found)
            pairs[other.record.identity].append(found)
    rows = []
    for run in gallery.runs:
        record = run.record
        information, rand = np.mean(pairs.get(record.identity) or [(np.nan, np.nan)], axis=0)
        rows.append(
            {
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
        )
    return pd.DataFrame(rows)


def text(gallery: Gallery) -> str:
    """Return the table for a terminal of 80 columns."""
    table = sizes_table(gallery).iloc[:, :8]
    titles = {"clusters_in_use": "in use", "seeds_nmi": "NMI", "seeds_ari": "ARI"}
    lines = table.rename(columns=titles).to_string(index=False, float_format="%.2f", na_rep="")
    facts = gallery.first.dataset
    summary = (
        f"{facts.title}: {facts.train_images} photos without labels, {facts.clusters} clusters. Nothing is "
        "scored; NMI and ARI are the agreement between seeds."
    )
    return f"{textwrap.fill(summary, 79)}\n\n{lines}"


def page(gallery: Gallery, store: Store | None) -> str:
    """Return the gallery as one HTML page, with photos where their store is at hand."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("infoseg_bench.reporting"), autoescape=True, undefined=StrictUndefined
    )
    seen: dict[str, SegmentedRun] = {}
    for run in gallery.runs:
        seen.setdefault(run.record.row, run)
    columns = list(seen.values())
    chosen = _chosen(columns[0].segments.ids)
    photos = _photos(gallery, store, chosen) if store else [""] * len(chosen)
    rows = [
        {
            "id": columns[0].segments.ids[index],
            "photo": photo,
            "segments": [_segments(run, index) for run in columns],
        }
        for index, photo in zip(chosen, photos, strict=True)
    ]
    facts = gallery.first.dataset
    palette = [f"rgb({r}, {g}, {b})" for r, g, b in facts.palette]
    table = sizes_table(gallery)
    return environment.get_template("gallery.html.j2").render(
        facts=facts,
        palette=palette,
        head=list(table.columns[:8]),
        body=[[_cell(value) for value in row[:8]] for row in table.itertuples(index=False)],
        shares=[run.record.sizes.shares for run in gallery.runs],
        titles=[f"{run.record.method_title}, seed {run.record.spec.seed}" for run in columns],
        rows=rows,
        warnings=[
            f"{run.record.method_title}, seed {run.record.spec.seed}: {warning}"
            for run in gallery.runs
            for warning in run.record.warnings
        ],
    )


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:.2f}"
    return str(value)


def _chosen(ids: Sequence[str]) -> list[int]:
    found: list[int] = np.linspace(0, len(ids) - 1, min(PHOTOS, len(ids))).round().astype(int).tolist()
    return found


def _photos(gallery: Gallery, store: Store, chosen: Sequence[int]) -> list[str]:
    view, protocol = store.view(gallery.first.spec.dataset), gallery.first.spec.protocol
    images = EvaluationSet(store.arrays(labels=True), view, protocol=protocol, device=torch.device("cpu"))
    whole = torch.cat([batch for batch, _ in images.batches(PHOTOS)])[list(chosen)]
    return [_data_uri(Image.fromarray(pixels), "JPEG", quality=JPEG_QUALITY) for pixels in to_bytes(whole)]


def _segments(run: SegmentedRun, index: int) -> str:
    colours = np.zeros((VOID + 1, 3), dtype=np.uint8)
    colours[: len(run.record.dataset.palette)] = run.record.dataset.palette
    image = Image.fromarray(run.segments.clusters[index])
    image.putpalette(colours.tobytes())
    return _data_uri(image, "PNG", optimize=True)


def _data_uri(image: Image.Image, form: str, **options: Any) -> str:
    out = io.BytesIO()
    image.save(out, format=form, **options)
    return f"data:image/{form.lower()};base64,{base64.b64encode(out.getvalue()).decode()}"
