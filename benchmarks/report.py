"""How long a report takes beside reading its records, by their number, and how large its page is.

Run: python -m benchmarks.report 10 1000 10000
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np

from infoseg_bench.records.folder import RunFolder
from infoseg_bench.reporting.loaded_runs import read_runs
from infoseg_bench.reporting.write import write_report
from tests.reporting.runs import add_run

IMAGES, CLASSES, DATASETS, METHODS, SEEDS = 100, 15, 3, 8, 3
DISTINCT = 4 * DATASETS * METHODS * SEEDS
"""Records with counts of their own; the others have copies of them, because compression takes long."""


def write_records(results: Path, number: int) -> None:
    """Write finished runs of random counts: three data sets, eight methods, rows of three seeds."""
    labels = [_labels(index) for index in range(DATASETS)]
    folders: list[RunFolder] = []
    for index in range(number):
        row, seed = divmod(index, SEEDS)
        data, method = row % DATASETS, row // DATASETS % METHODS
        parameters = {"lr": row // DATASETS // METHODS, "padding": "corrected", "P": 128}
        if index >= DISTINCT:
            _copy(folders[index % DISTINCT], results, parameters)
            continue
        folder = add_run(
            results,
            last=_counts(labels[data], np.random.default_rng(index)),
            seed=seed,
            dataset=f"data-{data}",
            fingerprint=f"{data:064x}",
            method=f"method-{method}",
            method_title=f"method-{method}",
            parameters=parameters,
            title=f"data-{data}",
        )
        lines = (f'{{"step": {s}, "loss": {1 / (s + 1)}, "pixel_accuracy": {s / 200}}}\n' for s in range(100))
        folder.curve_file.write_text("".join(lines))
        folders.append(folder)


def _copy(run: RunFolder, results: Path, parameters: dict[str, object]) -> None:
    """Write a run again as if other parameters had given the same counts."""
    record = run.finished_record()
    assert record is not None
    spec = record.spec.model_copy(update={"parameters": parameters})
    record = record.model_copy(update={"spec": spec, "identity": spec.identity, "row": spec.row})
    folder = RunFolder.of(results, spec)
    shutil.copytree(run.path, folder.path)
    folder.spec_file.write_text(spec.model_dump_json(indent=2) + "\n")
    folder.record_file.write_text(record.model_dump_json(indent=2))


def _labels(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).multinomial(16384, np.full(CLASSES, 1 / CLASSES), size=IMAGES)


def _counts(labels: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    shares = generator.dirichlet(np.ones(CLASSES), size=CLASSES)
    counts = np.stack([generator.multinomial(labels[:, c], shares[c]) for c in range(CLASSES)], axis=2)
    return counts.astype(np.int64)


def _processor_seconds() -> float:
    """Return the processor time of this process and of those that it has waited for, in seconds."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def main() -> None:
    """Print a line for every number of records."""
    parser = argparse.ArgumentParser(description="Time a report of synthetic records.")
    parser.add_argument("numbers", type=int, nargs="*", default=[10, 1000])
    for number in parser.parse_args().numbers:
        with tempfile.TemporaryDirectory() as folder:
            results = Path(folder)
            write_records(results, number)
            began = time.perf_counter()
            read_runs(results)
            read, before = time.perf_counter(), _processor_seconds()
            report = write_report(results, results / "report")
            seconds, reading = time.perf_counter() - read, read - began
            worked = _processor_seconds() - before
            size = report.page.stat().st_size / 1e6
            print(
                f"{number} records: {seconds:.1f} s, {seconds / reading:.2f} times the {reading:.1f} s of "
                f"reading and checking them alone; {worked:.1f} s of processor time; page {size:.2f} MB"
            )


if __name__ == "__main__":
    main()
