"""The end of a run: its counts and its record, of success or of failure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from infoseg_bench.atomic import write_atomic, write_text
from infoseg_bench.contracts import Method
from infoseg_bench.data.catalogue import PreparedDataset
from infoseg_bench.runs.checkpoint import Session
from infoseg_bench.runs.device import peak_device_bytes, peak_host_bytes
from infoseg_bench.runs.evaluate import evaluation
from infoseg_bench.runs.execute import Execution
from infoseg_bench.runs.folder import RunFolder
from infoseg_bench.runs.provenance import collect
from infoseg_bench.runs.record import Costs, DatasetFacts, Record
from infoseg_bench.runs.spec import RunSpec
from infoseg_bench.scoring.scores import constant_accuracy

COLLAPSED_SHARE = 0.99
"""Share of the scored pixels in one cluster from which a run counts as collapsed; ours."""


def write_counts(file: Path, *, last: np.ndarray, best: np.ndarray, ids: list[str]) -> None:
    """Write the counts that every score is computed from.

    The arrays are `last` and `best` (int64 `cluster cls`, the whole set), `last_images` and
    `best_images` (int64 `image cluster cls`), and `ids` (the images' names).
    """
    arrays = {
        "last": last.sum(axis=0),
        "best": best.sum(axis=0),
        "last_images": last,
        "best_images": best,
        "ids": np.array(ids),
    }
    write_atomic(file, lambda handle: np.savez_compressed(handle, **arrays))


def succeed(execution: Execution, prepared: PreparedDataset, last: np.ndarray) -> Record:
    """Write counts and record of a run that came to its end."""
    session, folder, method = execution.session, execution.folder, execution.method
    best = last if session.best_counts is None else session.best_counts
    best_step = session.step if session.best_step is None else session.best_step
    ids = prepared.store.ids()
    write_counts(folder.counts_file, last=last, best=best, ids=[ids[i] for i in prepared.view.evaluation])
    spec = folder.spec()
    record = Record(
        identity=spec.identity,
        row=spec.row,
        spec=spec,
        method_title=method.title,
        label_use=method.label_use(method.parameters),
        status="finished",
        dataset=dataset_facts(prepared, last),
        last=evaluation(last, step=session.step, selection="last"),
        best=evaluation(best, step=best_step, selection="best (chosen with labels)"),
        costs=_costs(session, method),
        provenance=collect(
            method.run.device,
            started=session.started,
            resumed_from=session.resumed_from,
            processes=method.run.ranks.count,
            compiled=method.run.compile,
            method_source=session.method_source,
        ),
        checksums={folder.counts_file.name: folder.counts_sha256()},
        error=None,
        warnings=warnings_of(last),
    )
    write_text(folder.record_file, record.model_dump_json(indent=2) + "\n")
    return record


def warnings_of(counts: np.ndarray) -> list[str]:
    """Say what is suspicious about the last state's counts, int64 `image cluster cls`."""
    shares = counts.sum(axis=(0, 2)) / counts.sum()
    if shares.max() < COLLAPSED_SHARE:
        return []
    return [
        f"collapsed: {100 * shares.max():.1f} % of the scored pixels are in one of {len(shares)} clusters"
    ]


def fail(folder: RunFolder, spec: RunSpec, *, method_title: str, started: str, error: str) -> None:
    """Write the record of a run that did not come to its end, with the reason."""
    record = Record(
        identity=spec.identity,
        row=spec.row,
        spec=spec,
        method_title=method_title,
        label_use=None,
        status="failed",
        dataset=None,
        last=None,
        best=None,
        costs=None,
        provenance=collect(torch.device("cpu"), started=started, resumed_from=[]),
        checksums={},
        error=error,
    )
    write_text(folder.record_file, record.model_dump_json(indent=2) + "\n")


def dataset_facts(prepared: PreparedDataset, counts: np.ndarray) -> DatasetFacts:
    """Say what a reader of scores must know of the data; `counts` are int64 `image cluster cls`."""
    view = prepared.view
    return DatasetFacts(
        title=view.title,
        classes=list(view.classes),
        palette=list(view.palette),
        note=view.note,
        train_images=len(view.train),
        evaluation_images=len(view.evaluation),
        crop=view.crop,
        channels=prepared.store.channels,
        constant_pixel_accuracy=constant_accuracy(counts.sum(axis=0)),
    )


def _costs(session: Session, method: Method) -> Costs:
    seen = session.crops > 0 and session.fit_seconds > 0
    return Costs(
        load_seconds=session.load_seconds,
        fit_seconds=session.fit_seconds,
        evaluate_seconds=session.evaluate_seconds,
        train_images_per_second=session.crops / session.fit_seconds if seen else None,
        peak_host_bytes=peak_host_bytes(),
        peak_device_bytes=peak_device_bytes(method.run.device),
    )
