"""Finished runs with what their counts say image by image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int64

from infoseg_bench.errors import UserError
from infoseg_bench.records.audit import audit
from infoseg_bench.records.record import FinishedRecord
from infoseg_bench.records.sources import stored_runs
from infoseg_bench.records.stored import StoredRun
from infoseg_bench.scoring.matching import UNMATCHED, one_to_one


@dataclass(frozen=True, kw_only=True, eq=False)
class Run:
    """A record whose scores were recomputed, and the counts of its last state.

    Attributes:
        record: audited
        folder: where its files are: a folder, or its place in a pack
        counts: pixels of the whole set
        correct: right pixels of every image, under the one matching of the whole set
        pixels: pixels of every image that are not void
    """

    record: FinishedRecord
    folder: StoredRun
    counts: Int64[np.ndarray, "cluster cls"]
    correct: Int64[np.ndarray, " image"]
    pixels: Int64[np.ndarray, " image"]


def read_runs(*sources: Path) -> tuple[list[Run], list[str]]:
    """Read every finished run of results folders and packs.

    Returns:
        the runs, and a line for every record that cannot be used
    """
    found, problems = stored_runs(sources)
    runs = []
    for stored in found:
        try:
            if (record := stored.finished_record()) is not None:
                runs.append(_run(stored, record, audit(stored, record).last_images))
        except UserError as error:
            problems.append(" ".join(str(error).split()))
    return runs, problems


def correct_pixels(images: Int64[np.ndarray, "image cluster cls"]) -> Int64[np.ndarray, " image"]:
    """Count every image's right pixels under the one-to-one matching of all of them together."""
    classes = one_to_one(images.sum(axis=0)).classes
    clusters = np.flatnonzero(classes != UNMATCHED)
    return np.asarray(images[:, clusters, classes[clusters]].sum(axis=1), dtype=np.int64)


def _run(stored: StoredRun, record: FinishedRecord, images: np.ndarray) -> Run:
    return Run(
        record=record,
        folder=stored,
        counts=images.sum(axis=0),
        correct=correct_pixels(images),
        pixels=images.sum(axis=(1, 2)),
    )
