"""The end of a run: its counts and its record, of success or of failure."""

from __future__ import annotations

import numpy as np
import torch

from infoseg_bench.contracts import Method
from infoseg_bench.data.catalogue import PreparedDataset
from infoseg_bench.records.counts import dataset_facts, warnings_of, write_counts
from infoseg_bench.records.evaluation import evaluation
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.records.provenance import collect
from infoseg_bench.records.record import Costs, FailedRecord, FinishedRecord
from infoseg_bench.records.spec import RunSpec
from infoseg_bench.runs.checkpoint import TrainingState
from infoseg_bench.runs.execute import Execution
from infoseg_bench.utils.atomic import write_text
from infoseg_bench.utils.device import peak_device_bytes, peak_host_bytes


def succeed(execution: Execution, prepared: PreparedDataset, last: np.ndarray) -> FinishedRecord:
    """Write counts and record of a run that came to its end."""
    training, folder, method = execution.training, execution.folder, execution.method
    best = last if training.best_counts is None else training.best_counts
    best_step = training.step if training.best_step is None else training.best_step
    ids = prepared.store.ids()
    write_counts(folder.counts_file, last=last, best=best, ids=[ids[i] for i in prepared.view.evaluation])
    spec = folder.spec()
    record = FinishedRecord(
        identity=spec.identity,
        row=spec.row,
        spec=spec,
        method_title=method.title,
        label_use=method.label_use(method.parameters),
        dataset=dataset_facts(prepared, last),
        last=evaluation(last, step=training.step, selection="last"),
        best=evaluation(best, step=best_step, selection="best (chosen with labels)"),
        costs=_costs(training, method),
        provenance=collect(
            method.run.device,
            started=training.started,
            resumed_from=training.resumed_from,
            processes=method.run.ranks.count,
            compiled=method.run.compile,
            method_source=training.method_source,
        ),
        checksums={folder.counts_file.name: folder.counts_sha256()},
        warnings=warnings_of(last),
    )
    write_text(folder.record_file, record.model_dump_json(indent=2) + "\n")
    return record


def fail(folder: RunFolder, spec: RunSpec, *, method_title: str, started: str, error: str) -> None:
    """Write the record of a run that did not come to its end, with the reason."""
    record = FailedRecord(
        identity=spec.identity,
        row=spec.row,
        spec=spec,
        method_title=method_title,
        provenance=collect(torch.device("cpu"), started=started, resumed_from=[]),
        error=error,
    )
    write_text(folder.record_file, record.model_dump_json(indent=2) + "\n")


def _costs(training: TrainingState, method: Method) -> Costs:
    seen = training.crops > 0 and training.fit_seconds > 0
    return Costs(
        load_seconds=training.load_seconds,
        fit_seconds=training.fit_seconds,
        evaluate_seconds=training.evaluate_seconds,
        train_images_per_second=training.crops / training.fit_seconds if seen else None,
        peak_host_bytes=peak_host_bytes(),
        peak_device_bytes=peak_device_bytes(method.run.device),
    )
