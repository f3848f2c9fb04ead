"""Runs to disturb, and how they end undisturbed."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from infoseg_bench.data.store import Store
from infoseg_bench.launchers.work import Work
from infoseg_bench.records.curve import read_curve
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.records.spec import Budget, RunSpec
from tests.cli.commands import command, environment
from tests.data.miniature import write_store
from tests.launchers.test_local import Noting

PLUGIN = Path(__file__).with_name("slow_method.py")
STEPS, EVERY = 150, 50
RUN = [
    "run", "--dataset", "mini", "--method", "slow", "--plugin", PLUGIN.name, "--device", "cpu",
    "--steps", str(STEPS), "--evaluate-every", str(EVERY), "--no-report",
]  # fmt: skip
"""The command, in the folder of the data and the plug-in."""


def make_specs(folder: Path, seeds: int) -> list[RunSpec]:
    """Prepare data and the plug-in, and plan as `run` does."""
    (folder / "data").mkdir()
    shutil.copy(PLUGIN, folder)
    fingerprint = Store(write_store(folder / "data" / "mini.h5", labels="visible")).fingerprint
    return [
        RunSpec(
            dataset="mini", fingerprint=fingerprint, protocol="corrected", method="slow", method_version=1,
            parameters={}, budget=Budget(steps=STEPS, evaluate_every=EVERY), seed=seed,
        )
        for seed in range(seeds)
    ]  # fmt: skip


def make_work(folder: Path, results: str) -> Work:
    return Work(results=folder / results, data=folder / "data", device="cpu", plugins=[folder / PLUGIN.name])


def brake(folder: Path, step: int | None) -> None:
    """Let runs wait beyond a step, so that they do not end undisturbed; None: let them go on."""
    file = folder / "brake"
    if step is None:
        file.unlink(missing_ok=True)
    else:
        # Workers may read it at any time.
        file.with_suffix(".new").write_text(str(step))
        file.with_suffix(".new").replace(file)


def do_undisturbed(folder: Path, specs: Sequence[RunSpec]) -> list[RunFolder]:
    work = make_work(folder, "undisturbed")
    runs = [work.folder(spec) for spec in specs]
    workers = [subprocess.Popen(work.command(spec, threads=1), env=environment()) for spec in specs]
    assert [worker.wait(timeout=600) for worker in workers] == [0] * len(specs)
    return runs


def launch(folder: Path, *words: str, **variables: str) -> subprocess.Popen[str]:
    """Start `run` on the same data."""
    return subprocess.Popen(
        command(*RUN, *words), cwd=folder, text=True,
        env={**environment(), **variables},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


class Disturbing(Noting):
    """Disturbs a run that has come to the brake, and lets its next worker go on."""

    def __init__(self, folder: Path, disturb: Callable[[], object], *, step: int) -> None:
        super().__init__()
        self._folder, self._disturb, self._step, self._worker = folder, disturb, step, 0
        brake(folder, step)

    def moved(self, spec: RunSpec, status: dict[str, Any]) -> None:
        if not self._worker and status.get("step", 0) >= self._step:
            self._worker = worker_of(status)
            self._disturb()
        elif self._worker and worker_of(status) not in (0, self._worker):
            brake(self._folder, None)


def worker_of(status: dict[str, Any]) -> int:
    """Return the process of a run's status; 0 if it has none."""
    return int(status.get("pid", 0))


def wait_for_others(workers: Sequence[int], runs: Sequence[RunFolder]) -> None:
    """Wait until runs are executed by other processes than before."""
    wait_until(
        lambda: all(
            worker_of(run.status()) not in (0, worker) for worker, run in zip(workers, runs, strict=True)
        )
    )


def reached(run: RunFolder) -> int:
    return max((line["step"] for line in read_curve(run.curve_file)), default=0)


def wait_until(condition: Callable[[], bool], *processes: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 600
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
