"""Verification of results folders and packs: each record alone, and all records together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from infoseg_bench.contracts.registry import Registry, load_methods
from infoseg_bench.errors import UserError
from infoseg_bench.records.audit import audit, audit_unscored, check_best_images
from infoseg_bench.records.counts_file import Counts, warnings_of
from infoseg_bench.records.label_counts import LabelCounts
from infoseg_bench.records.record import FinishedRecord, UnscoredRecord, contradict, label_uses
from infoseg_bench.records.sources import stored_runs
from infoseg_bench.records.stored import StoredRun
from infoseg_bench.utils.progress import ProgressFactory, no_progress

CURVE_TOLERANCE = 1e-9
"""Allowed difference between the last PA of a curve and that of the counts, because the order of sums may
differ; chosen by this project."""


@dataclass
class Verification:
    """The result of a verification.

    Attributes:
        sound: number of finished records that were verified
        unfinished: number of runs without scores
        faults: faults, one line each
    """

    sound: int = 0
    unfinished: int = 0
    faults: list[str] = field(default_factory=list)


def verify_results(
    *sources: Path,
    data: Path | None = None,
    plugins: Sequence[Path] = (),
    progress: ProgressFactory = no_progress,
) -> Verification:
    """Recompute every score of results folders and packs, and compare the records with each other.

    Args:
        sources: results folders and packs
        data: folder of prepared data sets, from which labels are counted again
        plugins: files with more methods
        progress: shows how many records have been verified

    Raises:
        UserError: there are no runs
    """
    runs, problems = stored_runs(sources)
    if not runs and not problems:
        raise UserError(
            f"{', '.join(map(str, sources))}: no runs: use a folder that contains runs/, or a pack"
        )
    labels = LabelCounts(data)
    found, registry = Verification(faults=[*problems, *labels.problems]), load_methods(plugins)
    declared: dict[str, tuple[str | None, str | None]] = {}
    for run in progress(runs, "verifying"):
        try:
            record = _verify(run, registry, labels)
            if record is None:
                found.unfinished += 1
                continue
            mine = record.label_use, record.pretrained
            if contradict(declared.setdefault(record.row, mine), mine):
                uses = f"labels {mine[0] or 'none'}, pre-trained {mine[1] or 'no'}"
                raise UserError(f"{run.record_file}: declared otherwise than other seeds of its row ({uses})")
            found.sound += 1
        except UserError as error:
            found.faults.append(str(error))
    return found


def _verify(
    run: StoredRun, registry: Registry, labels: LabelCounts
) -> FinishedRecord | UnscoredRecord | None:
    record, spec = run.completed_record(), run.spec()
    if spec.folder != run.path.name:
        raise UserError(f"{run.spec_file}: belongs to another run; its folder should be {spec.folder}")
    if record is None:
        return None
    if spec != record.spec:
        raise UserError(f"{run.spec_file}: not the same spec as in record.json")
    _check_declared(run, record, registry)
    if isinstance(record, UnscoredRecord):
        audit_unscored(run, record)
        return record
    counts = audit(run, record)
    _check_images(run, record, counts)
    _check_selection(run, record)
    labels.check(record, counts, run.counts_file)
    return record


def _check_images(run: StoredRun, record: FinishedRecord, counts: Counts) -> None:
    last, best, ids = counts.last_images, check_best_images(run, record, counts), counts.ids
    if not len(last) == len(best) == len(ids) == len(set(ids)) == record.dataset.evaluation_images:
        raise UserError(f"{run.counts_file}: not one count and one id for each scored image")
    if not np.array_equal(last.sum(axis=1), best.sum(axis=1)):
        raise UserError(f"{run.counts_file}: 'last' and 'best' count different pixels")
    if not record.spec.external and last.shape[1] != len(record.dataset.classes):
        raise UserError(
            f"{run.counts_file}: {last.shape[1]} clusters, but K is the number of classes, "
            f"{len(record.dataset.classes)}"
        )
    missing = set(warnings_of(last)) - set(record.warnings)
    if missing:
        raise UserError(f"{run.record_file}: a warning is missing: {missing.pop()}")


def _check_selection(run: StoredRun, record: FinishedRecord) -> None:
    last, best = (one.one_to_one.pixel_accuracy for one in (record.last, record.best))
    if best < last - CURVE_TOLERANCE:
        raise UserError(f"{run.record_file}: the best step has a lower PA than the last")
    budget = record.spec.budget
    if budget and record.last.step != budget.steps:
        raise UserError(
            f"{run.record_file}: the last score is of step {record.last.step}, the budget is {budget.steps}"
        )
    curve = [line["pixel_accuracy"] for line in run.curve() if "pixel_accuracy" in line]
    if curve and not (isinstance(curve[-1], float) and abs(curve[-1] - last) <= CURVE_TOLERANCE):
        raise UserError(f"{run.curve_file}: does not end with the PA of the counts")


def _check_declared(run: StoredRun, record: FinishedRecord | UnscoredRecord, registry: Registry) -> None:
    """Compare the record's label use and pre-training with those of the installed method."""
    spec, cls = record.spec, registry.methods.get(record.spec.method)
    if cls is None or cls.version != spec.method_version:
        return
    parameters = cls.parameters_type.parse(spec.parameters, cls.name)
    used = label_uses(cls.label_use(parameters), record.dataset.label_use)
    if used != record.label_use:
        raise UserError(
            f"{run.record_file}: label use {record.label_use!r}, but according to its parameters {used!r}"
        )
    if (weights := cls.pretrained(parameters)) != record.pretrained:
        stated = f"{run.record_file}: pre-trained {record.pretrained!r}"
        raise UserError(f"{stated}, but according to its parameters {weights!r}")
