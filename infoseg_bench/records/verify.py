"""A results folder, record by record, and all of them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from infoseg_bench.contracts.registry import Registry, load_methods
from infoseg_bench.errors import UserError
from infoseg_bench.records.audit import audit, audit_unscored
from infoseg_bench.records.counts import read_counts, warnings_of
from infoseg_bench.records.curve import read_curve
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.records.label_counts import LabelCounts
from infoseg_bench.records.record import FinishedRecord, UnscoredRecord, label_uses
from infoseg_bench.utils.progress import ProgressFactory

CURVE_TOLERANCE = 1e-9
"""Between the last PA of a curve and that of the counts; chosen by this project: sums may be ordered
differently."""


@dataclass
class Verification:
    """What was found.

    Attributes:
        sound: finished records of which everything adds up
        unfinished: runs without scores
        faults: one line each
    """

    sound: int = 0
    unfinished: int = 0
    faults: list[str] = field(default_factory=list)


def verify_results(
    results: Path, *, data: Path | None, plugins: Sequence[Path] = (), progress: ProgressFactory
) -> Verification:
    """Recompute every score of a results folder and compare the records with each other.

    Args:
        results: holds `runs/NAME/` with record.json, spec.json, counts.npz and maybe curve.jsonl
        data: folder of stores; labels are counted again from those that the records name
        plugins: files with more methods
        progress: shows how many are done

    Raises:
        UserError: no run at all
    """
    paths = sorted(path for path in (results / "runs").glob("*") if path.is_dir())
    if not paths:
        raise UserError(f"{results}: no runs here: give the folder that holds runs/")
    found, registry, labels = Verification(), load_methods(plugins), LabelCounts(data)
    found.faults += labels.problems
    for path in progress(paths, "verifying"):
        try:
            finished = _verify(RunFolder(path), registry, labels)
        except UserError as error:
            found.faults.append(str(error))
        else:
            found.sound += finished
            found.unfinished += not finished
    return found


def _verify(folder: RunFolder, registry: Registry, labels: LabelCounts) -> bool:
    record = folder.completed_record()
    if folder.spec().folder != folder.path.name:
        raise UserError(f"{folder.spec_file}: of another run; its folder should be {folder.spec().folder}")
    if record is None:
        return False
    if folder.spec() != record.spec:
        raise UserError(f"{folder.spec_file}: not the spec that stands in record.json")
    _check_label_use(folder, record, registry)
    if isinstance(record, UnscoredRecord):
        audit_unscored(folder, record)
        return True
    audit(folder, record)
    counts = read_counts(folder.counts_file)
    _check_images(folder, record, counts)
    _check_selection(folder, record)
    labels.check(record, counts, folder.counts_file)
    return True


def _check_images(folder: RunFolder, record: FinishedRecord, counts: dict[str, np.ndarray]) -> None:
    last, best, ids = counts["last_images"], counts["best_images"], counts["ids"].tolist()
    if not len(last) == len(best) == len(ids) == len(set(ids)) == record.dataset.evaluation_images:
        raise UserError(f"{folder.counts_file}: not one count and one id for each scored photo")
    if not np.array_equal(last.sum(axis=1), best.sum(axis=1)):
        raise UserError(f"{folder.counts_file}: 'last' and 'best' count other pixels")
    if not record.spec.external and last.shape[1] != len(record.dataset.classes):
        raise UserError(f"{folder.counts_file}: {last.shape[1]} clusters; K is the number of classes")
    untold = set(warnings_of(last)) - set(record.warnings)
    if untold:
        raise UserError(f"{folder.record_file}: a warning is missing: {untold.pop()}")


def _check_selection(folder: RunFolder, record: FinishedRecord) -> None:
    last, best = (one.one_to_one.pixel_accuracy for one in (record.last, record.best))
    if best < last - CURVE_TOLERANCE:
        raise UserError(f"{folder.record_file}: the best step scores less than the last")
    budget = record.spec.budget
    if budget and record.last.step != budget.steps:
        raise UserError(
            f"{folder.record_file}: the last score is of step {record.last.step}, the budget {budget.steps}"
        )
    curve = [line["pixel_accuracy"] for line in read_curve(folder.curve_file) if "pixel_accuracy" in line]
    if curve and not (isinstance(curve[-1], float) and abs(curve[-1] - last) <= CURVE_TOLERANCE):
        raise UserError(f"{folder.curve_file}: does not end with the PA that the counts give")


def _check_label_use(folder: RunFolder, record: FinishedRecord | UnscoredRecord, registry: Registry) -> None:
    """A method that is installed here says itself what it used."""
    spec, cls = record.spec, registry.methods.get(record.spec.method)
    if cls is None or cls.version != spec.method_version:
        return
    by_method = cls.label_use(cls.parameters_type.parse(spec.parameters, cls.name))
    used = label_uses(by_method, record.dataset.label_use)
    if used != record.label_use:
        raise UserError(
            f"{folder.record_file}: label use {record.label_use!r}, but with its parameters it is {used!r}"
        )
