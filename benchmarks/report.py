"""How long a report takes, by number of records, and how large its page is.

Run: python benchmarks/report.py 10 1000 10000
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from infoseg_bench.report.write import write_report
from infoseg_bench.runs.conclude import write_counts
from infoseg_bench.runs.evaluate import evaluation
from infoseg_bench.runs.folder import RunFolder
from infoseg_bench.runs.provenance import collect, now
from infoseg_bench.runs.record import Costs, DatasetFacts, Provenance, Record
from infoseg_bench.runs.spec import Budget, RunSpec
from infoseg_bench.scoring.scores import constant_accuracy

IMAGES, CLASSES, DATASETS, METHODS, SEEDS = 100, 15, 3, 8, 3
COSTS = Costs(
    load_seconds=1.0,
    fit_seconds=2.0,
    evaluate_seconds=3.0,
    train_images_per_second=250.0,
    peak_host_bytes=1 << 30,
    peak_device_bytes=None,
)


def write_records(results: Path, number: int) -> None:
    """Write finished runs of random counts: three data sets, eight methods, rows of three seeds."""
    provenance = collect(torch.device("cpu"), started=now(), resumed_from=[])
    labels = [_labels(index) for index in range(DATASETS)]
    for index in range(number):
        row, seed = divmod(index, SEEDS)
        data, method = row % DATASETS, row // DATASETS % METHODS
        spec = RunSpec(
            dataset=f"data-{data}",
            fingerprint=f"{data:064x}",
            protocol="corrected",
            method=f"method-{method}",
            method_version=1,
            parameters={"lr": row // DATASETS // METHODS, "padding": "corrected", "P": 128},
            budget=Budget(steps=100, evaluate_every=10),
            seed=seed,
        )
        counts = _counts(labels[data], np.random.default_rng(index))
        _write(RunFolder.of(results, spec), spec, counts, provenance)


def _labels(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).multinomial(16384, np.full(CLASSES, 1 / CLASSES), size=IMAGES)


def _counts(labels: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    shares = generator.dirichlet(np.ones(CLASSES), size=CLASSES)
    counts = np.stack([generator.multinomial(labels[:, c], shares[c]) for c in range(CLASSES)], axis=2)
    return counts.astype(np.int64)


def _write(folder: RunFolder, spec: RunSpec, counts: np.ndarray, provenance: Provenance) -> None:
    folder.create(spec)
    write_counts(folder.counts_file, last=counts, best=counts, ids=[str(i) for i in range(IMAGES)])
    facts = DatasetFacts(
        title=spec.dataset,
        classes=[f"class {i}" for i in range(CLASSES)],
        palette=[(16 * i, 255 - 16 * i, 128) for i in range(CLASSES)],
        note="",
        train_images=IMAGES,
        evaluation_images=IMAGES,
        crop=128,
        constant_pixel_accuracy=constant_accuracy(counts.sum(axis=0)),
    )
    record = Record(
        identity=spec.identity,
        row=spec.row,
        spec=spec,
        method_title=spec.method,
        label_use=None,
        status="finished",
        dataset=facts,
        last=evaluation(counts, step=100, selection="last"),
        best=evaluation(counts, step=100, selection="best (chosen with labels)"),
        costs=COSTS,
        provenance=provenance,
        checksums={"counts.npz": hashlib.sha256(folder.counts_file.read_bytes()).hexdigest()},
        error=None,
    )
    folder.record_file.write_text(record.model_dump_json())
    curve = (f'{{"step": {s}, "loss": {1 / (s + 1)}, "pixel_accuracy": {s / 200}}}\n' for s in range(100))
    folder.curve_file.write_text("".join(curve))


def main() -> None:
    """Print a line for every number of records."""
    parser = argparse.ArgumentParser(description="Time a report of synthetic records.")
    parser.add_argument("numbers", type=int, nargs="*", default=[10, 1000])
    for number in parser.parse_args().numbers:
        with tempfile.TemporaryDirectory() as folder:
            results = Path(folder)
            write_records(results, number)
            began = time.perf_counter()
            report = write_report(results, results / "report")
            seconds = time.perf_counter() - began
            size = report.page.stat().st_size / 1e6
            each = 1000 * seconds / number
            print(f"{number} records: {seconds:.1f} s, {each:.1f} ms each, page {size:.2f} MB")


if __name__ == "__main__":
    main()
