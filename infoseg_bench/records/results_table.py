"""All runs as one tidy pandas table, with a row for every run and selection."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import BaseModel

from infoseg_bench.errors import UserError
from infoseg_bench.records.audit import audit_completed
from infoseg_bench.records.record import DatasetFacts, Evaluation, FinishedRecord, Record, UnscoredRecord
from infoseg_bench.records.sources import stored_runs
from infoseg_bench.records.stored import StoredRun
from infoseg_bench.utils.progress import ProgressFactory, no_progress

PARAMETER = "param."
"""Prefix of the columns with methods' parameters."""
DIAGNOSTIC = "diagnostic."
"""Prefix of the columns with label-free diagnostics."""

COLUMNS = (
    *("dataset", "fingerprint", "protocol", "method", "method_title", "method_version", "seed", "steps"),
    "postprocess",
    *("status", "selection", "step", "pixel_accuracy", "mean_iou", "mean_class_accuracy"),
    *("majority_pixel_accuracy", "majority_mean_iou", "majority_mean_class_accuracy", "nmi", "ari"),
    *("constant_pixel_accuracy", "train_images", "evaluation_images", "classes", "label_use"),
    "pretrained",
    *("load_seconds", "fit_seconds", "evaluate_seconds", "train_images_per_second"),
    *("peak_host_bytes", "peak_device_bytes", "device", "gpu", "cpu", "benchmark_version", "git_commit"),
    *("started", "finished"),
    *("warnings", "error", "identity", "row", "source"),
)
"""Columns that always exist, in this order; those of parameters and diagnostics follow."""
_SPEC = ("dataset", "fingerprint", "protocol", "method", "method_version", "seed", "postprocess")
_RECORD = ("method_title", "status", "label_use", "pretrained", "identity", "row", "error")
_PROVENANCE = ("device", "gpu", "cpu", "benchmark_version", "git_commit", "started", "finished")
_FACTS = ("constant_pixel_accuracy", "train_images", "evaluation_images")
_SCORES = ("pixel_accuracy", "mean_iou", "mean_class_accuracy")


class UnusableRecord(UserWarning):
    """Warning that a record was left out because it is damaged or does not follow from its counts."""


def load_results(
    *sources: str | PathLike[str],
    failed: bool = False,
    audited: bool = True,
    progress: ProgressFactory = no_progress,
) -> pd.DataFrame:
    """Return all runs of results folders and packs as one table, a row for every run and selection.

    The columns are `COLUMNS`, one for every parameter, such as "param.lr", and one for every label-free
    diagnostic of the last step, such as "diagnostic.self_agreement". Scores are fractions in [0, 1].
    `selection` is "last", the headline, "best", the step of the highest PA, chosen with labels, or
    the label-free figure by which a run was told to select a step; `step` is its training step. Runs on
    photos without labels have one row, without scores. Runs that differ only in the seed have the same `row`.

    Args:
        sources: results folders, packs, or folders of packs; none: the folder "results"
        failed: whether to add a row for each failed run, with `error` and without a selection
        audited: whether to recompute every score from its counts; otherwise records are trusted,
            which is several times faster
        progress: shows how many runs have been read

    Returns:
        the table; its `attrs["problems"]` lists the records that could not be used

    Warns:
        UnusableRecord: once for every record that is left out

    Raises:
        UserError: there is no run, not even an unusable one
    """
    places = [Path(source) for source in sources or ["results"]]
    runs, problems = stored_runs(places)
    if not runs and not problems:
        raise UserError(f"{', '.join(map(str, places))}: no runs: use a results folder or a pack")
    rows: list[dict[str, Any]] = []
    for run in progress(runs, "reading"):
        try:
            rows += _rows(run, failed=failed, audited=audited)
        except UserError as error:
            problems.append(str(error))
    for problem in problems:
        warnings.warn(problem, UnusableRecord, stacklevel=2)
    table = results_table(rows)
    table.attrs["problems"] = problems
    return table


def results_table(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Return a table of rows from `finished_rows` and the like, with the columns of `load_results`."""
    names = sorted(set().union(*rows))
    of_methods = [name for prefix in (PARAMETER, DIAGNOSTIC) for name in names if name.startswith(prefix)]
    return pd.DataFrame.from_records(rows, columns=[*COLUMNS, *of_methods])


def finished_rows(run: StoredRun, record: FinishedRecord) -> Iterator[dict[str, Any]]:
    """Return a row for every state of a finished run that was scored."""
    known = _of_run(run, record)
    yield {**known, **_scores(record.last, "last"), **_diagnostics(record)}
    yield {**known, **_scores(record.best, "best")}
    if record.selected is not None:
        yield {**known, **_scores(record.selected, record.selected.selection)}


def _rows(run: StoredRun, *, failed: bool, audited: bool) -> Iterator[dict[str, Any]]:
    record = run.record()
    if isinstance(record, FinishedRecord | UnscoredRecord) and audited:
        audit_completed(run, record)
    if isinstance(record, FinishedRecord):
        yield from finished_rows(run, record)
    elif isinstance(record, UnscoredRecord):
        yield {**_of_run(run, record), "selection": "last", "step": record.step, **_diagnostics(record)}
    elif failed and record is not None:
        yield _of_run(run, record)


def _of_run(run: StoredRun, record: Record) -> dict[str, Any]:
    """Return the columns that are the same for both selections."""
    spec, facts = record.spec, record.dataset
    return {
        **_values(spec, _SPEC),
        **_values(record, _RECORD),
        **_values(record.provenance, _PROVENANCE),
        **(dict(record.costs) if record.costs else {}),
        **_values(facts, _FACTS),
        "classes": len(facts.classes) if isinstance(facts, DatasetFacts) else None,
        "steps": spec.budget.steps if spec.budget else None,
        "warnings": "; ".join(record.warnings),
        "source": str(run.path),
        **{PARAMETER + name: _cell(value) for name, value in spec.parameters.items()},
    }


def _values(part: BaseModel | None, names: Sequence[str]) -> dict[str, Any]:
    """Return fields of a part of a record; None for those that it does not have."""
    return {name: getattr(part, name, None) for name in names}


def _scores(evaluation: Evaluation, selection: str) -> dict[str, Any]:
    majority = _values(evaluation.majority, _SCORES)
    return {
        "selection": selection,
        "step": evaluation.step,
        **_values(evaluation.one_to_one, _SCORES),
        **{f"majority_{name}": value for name, value in majority.items()},
        "nmi": evaluation.normalized_mutual_information,
        "ari": evaluation.adjusted_rand_index,
    }


def _diagnostics(record: FinishedRecord | UnscoredRecord) -> dict[str, float]:
    return {DIAGNOSTIC + name: value for name, value in record.diagnostics.items()}


def _cell(value: Any) -> Any:
    # Lists cannot be grouped by.
    return tuple(_cell(item) for item in value) if isinstance(value, list) else value
