"""No figure without its counts: every record is recomputed before it is shown."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64

from infoseg_bench.errors import UserError
from infoseg_bench.records.counts import read_counts
from infoseg_bench.records.evaluation import evaluation
from infoseg_bench.records.folder import RunFolder, sha256
from infoseg_bench.records.record import FinishedRecord, UnscoredRecord
from infoseg_bench.records.segments import Segments, cluster_sizes, read_segments
from infoseg_bench.scoring.scores import constant_accuracy


def audit(folder: RunFolder, record: FinishedRecord) -> Int64[np.ndarray, "image cluster cls"]:
    """Check that a record's identity and scores follow from its spec and its counts.

    Returns:
        the counts of the last state, image by image

    Raises:
        UserError: they do not
    """
    _check_names(folder, record)
    counts = read_counts(folder.counts_file)
    if folder.counts_sha256() != record.checksums.get(folder.counts_file.name):
        raise UserError(f"{folder.counts_file}: not the counts that the record was made from")
    for stated, name in ((record.last, "last"), (record.best, "best")):
        images = counts[f"{name}_images"]
        _check_counts(images, record, folder.counts_file)
        if not np.array_equal(images.sum(axis=0), counts[name]):
            raise UserError(f"{folder.counts_file}: the images' counts do not add up to {name!r}")
        computed = evaluation(images, step=stated.step, selection=stated.selection)
        if not _same(stated.model_dump(), computed.model_dump()):
            raise UserError(f"{folder.record_file}: its scores ({name}) do not follow from its counts")
    return counts["last_images"]


def audit_unscored(folder: RunFolder, record: UnscoredRecord) -> Segments:
    """Check that the cluster sizes of a run without labels follow from its segments.

    Raises:
        UserError: they do not
    """
    _check_names(folder, record)
    file = folder.segments_file
    segments = read_segments(file)
    if sha256(file) != record.checksums.get(file.name):
        raise UserError(f"{file}: not the segments that the record was made from")
    try:
        sizes = cluster_sizes(segments.clusters, clusters=record.dataset.clusters, step=record.sizes.step)
    except ValueError as error:
        raise UserError(f"{file}: {error}") from None
    if len(segments.ids) != record.dataset.shown_images or not _same(
        record.sizes.model_dump(), sizes.model_dump()
    ):
        raise UserError(f"{folder.record_file}: its cluster sizes do not follow from its segments")
    return segments


def _check_names(folder: RunFolder, record: FinishedRecord | UnscoredRecord) -> None:
    if (record.identity, record.row) != (record.spec.identity, record.spec.row):
        raise UserError(f"{folder.record_file}: identity {record.identity} is not that of its spec")
    # They name folders of a report, and a record may be somebody else's. Data set and method, which do so
    # too, are in the name of the run's folder, where nothing can lead elsewhere.
    for name in (record.spec.protocol, record.spec.fingerprint):
        if not re.fullmatch(r"\w[\w.+-]*", name):
            raise UserError(f"{folder.record_file}: {name!r} is no plain name of letters, digits and dashes")
    if folder.path.name != record.spec.folder:
        raise UserError(f"{folder.record_file}: of another run; its folder should be {record.spec.folder}")


def _check_counts(images: np.ndarray, record: FinishedRecord, file: Path) -> None:
    facts = record.dataset
    fits = images.ndim == 3 and images.dtype == np.int64 and images.shape[2] == len(facts.classes)
    if not fits or images.min(initial=0) < 0 or not images.any():
        raise UserError(f"{file}: not counts of pixels of {len(facts.classes)} classes")
    if not math.isclose(facts.constant_pixel_accuracy, constant_accuracy(images.sum(axis=0))):
        raise UserError(f"{file.with_name('record.json')}: its constant PA does not follow from its counts")


def _same(stated: Any, computed: Any) -> bool:
    if isinstance(stated, dict):
        return stated.keys() == computed.keys() and all(_same(stated[key], computed[key]) for key in stated)
    if isinstance(stated, list):
        return len(stated) == len(computed) and all(map(_same, stated, computed))
    if isinstance(stated, float) and isinstance(computed, float):
        # Sums may be ordered differently by another version of NumPy.
        return math.isclose(stated, computed, rel_tol=1e-9, abs_tol=1e-12)
    return bool(stated == computed)
