"""Runs to disturb, and how they end undisturbed."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from infoseg_bench.data.store import Store
from infoseg_bench.launchers.work import Work
from infoseg_bench.records.curve import read_curve
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.records.spec import Budget, RunSpec
from tests.cli.commands import command, environment
from tests.data.miniature import write_store

PLUGIN = Path(__file__).with_name("slow_method.py")
STEPS, EVERY = 150, 50


def make_specs(folder: Path, seeds: int) -> list[RunSpec]:
    """Prepare data, and plan as `run` does."""
    (folder / "data").mkdir()
    fingerprint = Store(write_store(folder / "data" / "mini.h5", labels="visible")).fingerprint
    return [
        RunSpec(
            dataset="mini", fingerprint=fingerprint, protocol="corrected", method="slow", method_version=1,
            parameters={}, budget=Budget(steps=STEPS, evaluate_every=EVERY), seed=seed,
        )
        for seed in range(seeds)
    ]  # fmt: skip


def make_work(folder: Path, results: str) -> Work:
    return Work(results=folder / results, data=folder / "data", device="cpu", plugins=[PLUGIN])


def do_undisturbed(folder: Path, specs: Sequence[RunSpec]) -> list[RunFolder]:
    work = make_work(folder, "undisturbed")
    runs = [work.folder(spec) for spec in specs]
    workers = [subprocess.Popen(work.command(spec, threads=1), env=environment()) for spec in specs]
    assert [worker.wait(timeout=200) for worker in workers] == [0] * len(specs)
    return runs


def launch(folder: Path, *words: str, **variables: str) -> subprocess.Popen[str]:
    """Start `run` on the same data."""
    run = [
        "run", "--dataset", "mini", "--method", "slow", "--steps", str(STEPS), "--evaluate-every", str(EVERY),
        "--no-report",
    ]  # fmt: skip
    return subprocess.Popen(
        command(*run, "--device", "cpu", "--plugin", str(PLUGIN), *words), cwd=folder, text=True,
        env={**environment(), **variables},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def reached(run: RunFolder) -> int:
    return max((line["step"] for line in read_curve(run.curve_file)), default=0)


def wait_until(condition: Callable[[], bool], *processes: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 200
    while not condition():
        for process in processes:
            assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def assert_same_counts(one: RunFolder, other: RunFolder) -> None:
    with np.load(one.counts_file) as expected, np.load(other.counts_file) as found:
        assert set(expected.files) == set(found.files)
        for name in expected.files:
            assert np.array_equal(expected[name], found[name]), (other.path, name)


def resumed(run: RunFolder) -> int:
    """Return how often a finished run was taken up again."""
    record = run.record()
    assert record is not None
    return len(record.provenance.resumed_from)
