"""Recomputes every record from its counts before it is shown."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
from pydantic import BaseModel

from infoseg_bench.errors import UserError
from infoseg_bench.records.counts_file import Counts
from infoseg_bench.records.evaluation import evaluation
from infoseg_bench.records.record import Evaluation, FinishedRecord, UnscoredRecord
from infoseg_bench.records.segments import Segments, cluster_sizes
from infoseg_bench.records.stored import StoredRun
from infoseg_bench.scoring.scores import constant_accuracy


def audit(run: StoredRun, record: FinishedRecord) -> Counts:
    """Check that a record's identity and scores follow from its spec and its counts.

    Returns:
        the counts

    Raises:
        UserError: they do not
    """
    _check_names(run, record)
    counts = run.counts()
    if counts.sha256 != record.checksums.get(run.counts_file.name):
        raise UserError(f"{run.counts_file}: not the counts that the record was made from")
    _check_scores(run, record, record.last, counts.last_images, counts.last)
    _check_scores(run, record, record.best, counts.best_images, counts.best)
    if (counts.selected_images is None) != (record.selected is None):
        raise UserError(f"{run.counts_file}: the record and the counts disagree on a selected step")
    if counts.selected_images is not None and record.selected is not None:
        _check_scores(run, record, record.selected, counts.selected_images)
    return counts


def audit_unscored(run: StoredRun, record: UnscoredRecord) -> Segments:
    """Check that the cluster sizes of a run without labels follow from its segments.

    Raises:
        UserError: they do not
    """
    _check_names(run, record)
    file, segments = run.segments_file, run.segments()
    if segments.sha256 != record.checksums.get(file.name):
        raise UserError(f"{file}: not the segments that the record was made from")
    try:
        sizes = cluster_sizes(segments.clusters, clusters=record.dataset.clusters, step=record.sizes.step)
    except ValueError as error:
        raise UserError(f"{file}: {error}") from None
    if len(segments.ids) != record.dataset.shown_images or not _same(record.sizes, sizes):
        raise UserError(f"{run.record_file}: its cluster sizes do not follow from its segments")
    return segments


def audit_completed(run: StoredRun, record: FinishedRecord | UnscoredRecord) -> None:
    """Check a finished run, scored or not.

    Raises:
        UserError: its record does not follow from its other files
    """
    if isinstance(record, UnscoredRecord):
        audit_unscored(run, record)
    else:
        audit(run, record)


def _check_names(run: StoredRun, record: FinishedRecord | UnscoredRecord) -> None:
    spec = record.spec
    if (record.identity, record.row) != (spec.identity, spec.row):
        raise UserError(f"{run.record_file}: identity {record.identity} is not that of its spec")
    # These names become folders of a report, and a record may come from someone else. Data set and method,
    # which do so too, are part of the name of the run's folder and cannot lead elsewhere.
    for name in (spec.protocol, spec.fingerprint):
        if not re.fullmatch(r"\w[\w.+-]*", name):
            raise UserError(f"{run.record_file}: {name!r} is not a plain name of letters, digits and dashes")
    if run.path.name != spec.folder:
        raise UserError(f"{run.record_file}: belongs to another run; its folder should be {spec.folder}")


def _check_scores(
    run: StoredRun,
    record: FinishedRecord,
    stated: Evaluation,
    images: np.ndarray,
    total: np.ndarray | None = None,
) -> None:
    """Check a state against its counts per image, and their `total` if the file has it too."""
    facts, name = record.dataset, stated.selection
    fits = images.ndim == 3 and images.dtype == np.int64 and images.shape[2] == len(facts.classes)
    if not fits or images.min(initial=0) < 0 or not images.any():
        raise UserError(f"{run.counts_file}: not counts of pixels of {len(facts.classes)} classes")
    counts = images.sum(axis=0)
    if total is not None and not np.array_equal(counts, total):
        raise UserError(f"{run.counts_file}: the images' counts do not add up to the total of {name!r}")
    if not math.isclose(facts.constant_pixel_accuracy, constant_accuracy(counts)):
        raise UserError(f"{run.record_file}: its constant PA does not follow from its counts")
    if not _same(stated, evaluation(counts, step=stated.step, selection=name)):
        raise UserError(f"{run.record_file}: its scores ({name}) do not follow from its counts")


def _same(stated: BaseModel, computed: BaseModel) -> bool:
    """Return whether two parts of a record are equal, except for rounding."""
    return stated == computed or _close(stated.model_dump(), computed.model_dump())


def _close(stated: Any, computed: Any) -> bool:
    if isinstance(stated, dict):
        return stated.keys() == computed.keys() and all(_close(stated[key], computed[key]) for key in stated)
    if isinstance(stated, list):
        return len(stated) == len(computed) and all(map(_close, stated, computed))
    if isinstance(stated, float) and isinstance(computed, float):
        # Sums may be ordered differently by another version of NumPy.
        return math.isclose(stated, computed, rel_tol=1e-9, abs_tol=1e-12)
    return bool(stated == computed)
