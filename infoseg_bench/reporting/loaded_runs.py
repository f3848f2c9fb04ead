"""Finished runs with what their counts say image by image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int64

from infoseg_bench.errors import UserError
from infoseg_bench.records.audit import audit, audit_unscored
from infoseg_bench.records.evaluation import scored_counts
from infoseg_bench.records.record import FinishedRecord, UnscoredRecord
from infoseg_bench.records.segments import Segments
from infoseg_bench.records.sources import stored_runs
from infoseg_bench.records.stored import StoredRun
from infoseg_bench.scoring.matching import UNMATCHED
from infoseg_bench.utils.parallel import process_map

MANY = 200
"""Records from which several processes read them; chosen by this project: fewer are read within a second."""


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


@dataclass(frozen=True, kw_only=True, eq=False)
class SegmentedRun:
    """A finished run on photos without labels, whose sizes were recomputed from its segments."""

    record: UnscoredRecord
    folder: StoredRun
    segments: Segments


def read_completed(*sources: Path) -> tuple[list[Run], list[SegmentedRun], list[str]]:
    """Read every finished run of results folders and packs.

    Returns:
        the scored runs, those on photos without labels, and a line for every record that cannot be used
    """
    found, problems = stored_runs(sources)
    loaded = process_map(_load, found, imports=["scipy.optimize"], parallel=len(found) >= MANY)
    runs = [one for one in loaded if isinstance(one, Run)]
    segmented = [one for one in loaded if isinstance(one, SegmentedRun)]
    return runs, segmented, [*problems, *(one for one in loaded if isinstance(one, str))]


def read_runs(*sources: Path) -> tuple[list[Run], list[str]]:
    """Read every finished and scored run; the rest is as for `read_completed`."""
    runs, _, problems = read_completed(*sources)
    return runs, problems


def _load(stored: StoredRun) -> Run | SegmentedRun | str | None:
    """Read and check one run; a text says why it cannot be used, None that it is not finished."""
    try:
        record = stored.completed_record()
        if isinstance(record, FinishedRecord):
            return _run(stored, record, audit(stored, record).last_images)
        if isinstance(record, UnscoredRecord):
            return SegmentedRun(record=record, folder=stored, segments=audit_unscored(stored, record))
        return None
    except UserError as error:
        return " ".join(str(error).split())


def _run(stored: StoredRun, record: FinishedRecord, images: Int64[np.ndarray, "image cluster cls"]) -> Run:
    images = scored_counts(record.spec, images)
    # The audit has recomputed the matching.
    classes = np.array(record.last.one_to_one.matching)
    clusters = np.flatnonzero(classes != UNMATCHED)
    return Run(
        record=record,
        folder=stored,
        counts=images.sum(axis=0),
        correct=images[:, clusters, classes[clusters]].sum(axis=1),
        pixels=images.sum(axis=(1, 2)),
    )
