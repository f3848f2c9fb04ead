"""Finished runs as a worker leaves them, with counts of the test's choosing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from infoseg_bench.records.counts_file import write_counts
from infoseg_bench.records.evaluation import evaluation
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.records.provenance import collect, now
from infoseg_bench.records.record import Costs, DatasetFacts, FinishedRecord, Provenance
from infoseg_bench.records.spec import Budget, RunSpec
from infoseg_bench.scoring.scores import constant_accuracy

FINGERPRINT = "ab" * 32
PIXELS = 100


def counts_with(correct: int) -> np.ndarray:
    """Counts of two images, 100 pixels, 60 of the second class, of which so many in 50..100 are matched."""
    wrong = PIXELS - correct
    # The wrong pixels are of the second class, and given to the first one's cluster.
    images = [[[10, 0], [0, 20]], [[30, wrong], [0, 40 - wrong]]]
    return np.array(images, dtype=np.int64)


def add_run(
    results: Path,
    *,
    last: np.ndarray,
    best: np.ndarray | None = None,
    seed: int = 0,
    dataset: str = "my-photos",
    fingerprint: str = FINGERPRINT,
    protocol: str = "corrected",
    method: str = "infoseg",
    method_version: int = 1,
    parameters: dict[str, Any] | None = None,
    steps: int | None = 100,
    label_use: str | None = None,
    pretrained: str | None = None,
    method_title: str = "InfoSeg",
    selected: np.ndarray | None = None,
    **facts: Any,
) -> RunFolder:
    """Write a finished run: spec, counts and record, all consistent."""
    spec = RunSpec(
        dataset=dataset,
        fingerprint=fingerprint,
        protocol=protocol,
        method=method,
        method_version=method_version,
        parameters=parameters or {},
        budget=Budget(steps=steps, evaluate_every=10) if steps else None,
        seed=seed,
    )
    folder = RunFolder.of(results, spec)
    folder.create(spec)
    best = last if best is None else best
    ids = [f"photo-{i}" for i in range(len(last))]
    write_counts(folder.counts_file, last=last, best=best, ids=ids, selected=selected)
    record = FinishedRecord(
        identity=spec.identity,
        row=spec.row,
        spec=spec,
        method_title=method_title,
        label_use=label_use,
        pretrained=pretrained,
        dataset=_facts(last, facts),
        last=evaluation(last.sum(axis=0), step=steps or 1, selection="last"),
        best=evaluation(best.sum(axis=0), step=10, selection="best (chosen with labels)"),
        selected=None
        if selected is None
        else evaluation(selected.sum(axis=0), step=20, selection="information"),
        costs=Costs(
            load_seconds=1.0,
            fit_seconds=2.0,
            evaluate_seconds=3.0,
            train_images_per_second=250.0,
            peak_host_bytes=3 << 29,
            peak_device_bytes=None,
        ),
        provenance=_provenance(),
        checksums={folder.counts_file.name: checksum(folder.counts_file)},
    )
    folder.record_file.write_text(record.model_dump_json(indent=2))
    return folder


def checksum(file: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def edit_record(folder: RunFolder, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a record as somebody with a text editor would."""
    content = json.loads(folder.record_file.read_text())
    change(content)
    folder.record_file.write_text(json.dumps(content, indent=2))


def edit_counts(folder: RunFolder, change: Callable[[dict[str, np.ndarray]], object], *, cover: bool) -> None:
    """Change a run's counts, and with `cover` the record's checksum too."""
    with np.load(folder.counts_file) as file:
        arrays = dict(file)
    change(arrays)
    with folder.counts_file.open("wb") as handle:
        np.savez_compressed(handle, **arrays)
    if cover:
        name = folder.counts_file.name
        edit_record(folder, lambda record: record["checksums"].update({name: checksum(folder.counts_file)}))


def _facts(last: np.ndarray, changes: dict[str, Any]) -> DatasetFacts:
    classes = last.shape[2]
    facts: dict[str, Any] = {
        "title": "My photos",
        "classes": [f"class {i}" for i in range(classes)],
        "palette": [(i, i, i) for i in range(classes)],
        "note": "",
        "train_images": 7,
        "evaluation_images": len(last),
        "crop": 128,
        "constant_pixel_accuracy": constant_accuracy(last.sum(axis=0)),
    }
    return DatasetFacts(**{**facts, **changes})


@cache
def _provenance() -> Provenance:
    return collect(torch.device("cpu"), started=now(), resumed_from=[])
