"""The end of a run: its results, and its record of success or failure."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from infoseg_bench.contracts import Method
from infoseg_bench.data.catalogue import PreparedDataset
from infoseg_bench.records.counts_file import collapse_warnings, dataset_facts, warnings_of, write_counts
from infoseg_bench.records.evaluation import Selection, evaluation
from infoseg_bench.records.folder import RunFolder, sha256
from infoseg_bench.records.provenance import collect
from infoseg_bench.records.record import (
    Costs,
    Evaluation,
    FailedRecord,
    FinishedRecord,
    UnscoredFacts,
    UnscoredRecord,
    label_uses,
)
from infoseg_bench.records.segments import Segments, cluster_sizes, effective_clusters, write_segments
from infoseg_bench.records.spec import RunSpec
from infoseg_bench.runs.checkpoint import TrainingState, write_checkpoint
from infoseg_bench.runs.checkpoint_writer import snapshot
from infoseg_bench.runs.diagnostics import SELF_AGREEMENT, changed_meaning
from infoseg_bench.runs.execute import Execution
from infoseg_bench.training.network_method import NetworkMethod
from infoseg_bench.utils.atomic import write_text
from infoseg_bench.utils.device import peak_device_bytes, peak_host_bytes


def succeed(
    execution: Execution, prepared: PreparedDataset, last: np.ndarray
) -> FinishedRecord | UnscoredRecord:
    """Write the results of a finished run, then its record, and return it; `last` is `Execution.run()`'s."""
    conclude = _scored if prepared.view.is_scored else _unscored
    record = conclude(execution, prepared, last)
    write_text(execution.folder.record_file, record.model_dump_json(indent=2) + "\n")
    return record


def keep_weights_only(execution: Execution) -> None:
    """Drop what only training needs from the checkpoint, and remove the previous checkpoint."""
    method, folder = execution.method, execution.folder
    if method.training_only and folder.checkpoint_file.exists():
        state = {name: part for name, part in method.state().items() if name not in method.training_only}
        write_checkpoint(folder, {"harness": execution.training.content(), "method": snapshot(state)})
    folder.previous_checkpoint_file.unlink(missing_ok=True)


def outcome(record: FinishedRecord | UnscoredRecord) -> str:
    """Return the main result of a run as text, such as "PA 0.7130"."""
    if isinstance(record, FinishedRecord):
        return f"PA {record.pixel_accuracy:.4f}"
    return f"{effective_clusters(record.sizes):.1f} clusters in use of {record.dataset.clusters}"


def _scored(execution: Execution, prepared: PreparedDataset, last: np.ndarray) -> FinishedRecord:
    training, folder = execution.training, execution.folder
    best = last if training.best_counts is None else training.best_counts
    best_step = training.step if training.best_step is None else training.best_step
    write_counts(
        folder.counts_file,
        last=last,
        best=best,
        ids=_shown_ids(prepared),
        selected=training.selected_counts,
    )
    return FinishedRecord(
        **_header(execution, prepared),
        dataset=dataset_facts(prepared, last),
        last=evaluation(last.sum(axis=0), step=training.step, selection="last"),
        best=evaluation(best.sum(axis=0), step=best_step, selection="best (chosen with labels)"),
        selected=_selected(execution),
        checksums={folder.counts_file.name: folder.counts_sha256()},
        warnings=[*warnings_of(last), *_suspicions(execution)],
    )


def _unscored(execution: Execution, prepared: PreparedDataset, maps: np.ndarray) -> UnscoredRecord:
    folder, clusters = execution.folder, execution.method.task.clusters
    write_segments(folder.segments_file, Segments(clusters=maps, ids=_shown_ids(prepared)))
    sizes = cluster_sizes(maps, clusters=clusters, step=execution.training.step)
    return UnscoredRecord(
        **_header(execution, prepared),
        dataset=UnscoredFacts(
            title=prepared.view.title,
            palette=list(prepared.view.palette),
            note=prepared.view.note,
            warnings=prepared.store.warnings,
            train_images=len(prepared.view.train),
            crop=prepared.view.crop,
            channels=prepared.store.channels,
            clusters=clusters,
            shown_images=len(maps),
        ),
        sizes=sizes,
        checksums={folder.segments_file.name: sha256(folder.segments_file)},
        warnings=[*collapse_warnings(np.array(sizes.shares)), *_suspicions(execution)],
    )


def _header(execution: Execution, prepared: PreparedDataset) -> dict[str, Any]:
    training, method, spec = execution.training, execution.method, execution.folder.spec()
    return {
        "identity": spec.identity,
        "row": spec.row,
        "spec": spec,
        "method_title": method.shown_title,
        "label_use": label_uses(method.label_use(method.parameters), prepared.view.label_use),
        "pretrained": method.pretrained(method.parameters),
        "diagnostics": training.diagnostics,
        "costs": _costs(training, method),
        "provenance": collect(
            method.run.device,
            started=training.started,
            resumed_from=training.resumed_from,
            processes=method.run.ranks.count,
            compiled=method.run.compile and isinstance(method, NetworkMethod),
            cuda_graph=isinstance(method, NetworkMethod) and method.uses_graphs,
            method_source=training.method_source,
        ),
    }


def _selected(execution: Execution) -> Evaluation | None:
    training, figure = execution.training, execution.method.selected_by
    if training.selected_counts is None or training.selected_step is None:
        return None
    selection: Selection = "stability" if figure == SELF_AGREEMENT else "information"
    total = training.selected_counts.sum(axis=0)
    return evaluation(total, step=training.selected_step, selection=selection)


def _suspicions(execution: Execution) -> list[str]:
    training = execution.training
    return [*execution.method.suspicions(training.diagnostics), *changed_meaning(training)]


def _shown_ids(prepared: PreparedDataset) -> list[str]:
    ids = prepared.store.ids()
    return [ids[photo] for photo in prepared.view.shown]


def fail(folder: RunFolder, spec: RunSpec, *, method_title: str, started: str, error: str) -> None:
    """Write the record of a failed run; `error` is the reason, with the traceback."""
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
