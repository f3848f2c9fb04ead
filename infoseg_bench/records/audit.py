"""Recomputes every record from its counts before it is shown."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
from pydantic import BaseModel

from infoseg_bench.errors import UserError
from infoseg_bench.records.counts_file import Counts
from infoseg_bench.records.evaluation import evaluation, scored_counts
from infoseg_bench.records.record import Evaluation, FinishedRecord, UnscoredRecord
from infoseg_bench.records.segments import Segments, cluster_sizes
from infoseg_bench.records.stored import StoredRun
from infoseg_bench.scoring.scores import constant_accuracy


def audit(run: StoredRun, record: FinishedRecord) -> Counts:
    """Check that a record's identity and scores follow from its spec and its counts, and read its curve.

    Those of the best step are checked against its total; `check_best_images` checks the total.

    Returns:
        the counts

    Raises:
        UserError: they do not, or it cannot be read
    """
    _check_names(run, record)
    run.content(run.curve_file)
    counts = run.counts()
    if counts.sha256 != record.checksums.get(run.counts_file.name):
        raise UserError(f"{run.counts_file}: not the counts that the record was made from")
    _check_scores(run, record, record.last, _total(run, record.last, counts.last_images, counts.last))
    _check_scores(run, record, record.best, counts.best)
    if (counts.selected_images is None) != (record.selected is None):
        raise UserError(f"{run.counts_file}: the record and the counts disagree on a selected step")
    if counts.selected_images is not None and record.selected is not None:
        _check_scores(run, record, record.selected, _total(run, record.selected, counts.selected_images))
    return counts


def check_best_images(run: StoredRun, record: FinishedRecord, counts: Counts) -> np.ndarray:
    """Check that the counts per image at the step of highest PA add up to their total.

    Returns:
        these counts, int64 `image cluster cls`

    Raises:
        UserError: they do not
    """
    images = run.best_images()
    _total(run, record.best, images, counts.best)
    return images


def audit_unscored(run: StoredRun, record: UnscoredRecord) -> Segments:
    """Check that the cluster sizes of a run without labels follow from its segments, and read its curve.

    Raises:
        UserError: they do not, or it cannot be read
    """
    _check_names(run, record)
    run.content(run.curve_file)
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


def _total(
    run: StoredRun, stated: Evaluation, images: np.ndarray, total: np.ndarray | None = None
) -> np.ndarray:
    """Add up counts per image, and compare them with their `total` if the file has it too."""
    if images.ndim != 3 or images.dtype != np.int64 or images.min(initial=0) < 0:
        raise UserError(f"{run.counts_file}: not counts of pixels per image")
    counts: np.ndarray = images.sum(axis=0)
    if total is not None and not np.array_equal(counts, total):
        name = stated.selection
        raise UserError(f"{run.counts_file}: the images' counts do not add up to the total of {name!r}")
    return counts


def _check_scores(run: StoredRun, record: FinishedRecord, stated: Evaluation, counts: np.ndarray) -> None:
    """Check the scores of a state against its counts of all images together."""
    facts, name = record.dataset, stated.selection
    fits = counts.ndim == 2 and counts.dtype == np.int64 and counts.shape[1] == len(facts.classes)
    if not fits or counts.min(initial=0) < 0 or not counts.any():
        raise UserError(f"{run.counts_file}: not counts of pixels of {len(facts.classes)} classes")
    if not math.isclose(facts.constant_pixel_accuracy, constant_accuracy(counts)):
        raise UserError(f"{run.record_file}: its constant PA does not follow from its counts")
    scored = scored_counts(record.spec, counts)
    if not scored.any() or not _same(stated, evaluation(scored, step=stated.step, selection=name)):
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
