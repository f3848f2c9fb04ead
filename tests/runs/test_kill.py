"""A worker that is killed at any moment and started again ends as if it had never been."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from infoseg_bench.records.curve import read_curve
from infoseg_bench.records.folder import RunFolder
from tests.cli.commands import SMALL_INFOSEG, environment, launched_here, prepare_photos

STEPS = 100
WORKER = """
import sys
from infoseg_bench.runs import execute, worker
execute.CHECKPOINT_SECONDS = 0.05
sys.exit(worker.main(sys.argv[1:]))
"""
"""The worker, but for checkpoints that are frequent enough to be killed among them."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("kill")
    prepare_photos(path)
    words = ["run", "--dataset", "mine", "--method", "infoseg", "--steps", str(STEPS), *SMALL_INFOSEG]
    words.append("--no-report")
    assert launched_here(path, *words, "--results", "undisturbed").returncode == 0
    return path


def start(run: RunFolder, data: Path) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", WORKER, str(run.path), "--data", str(data), "--device", "cpu"]
    return subprocess.Popen(
        [*words, "--threads", "1"],
        env=environment(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def reached(run: RunFolder) -> int:
    return max((line["step"] for line in read_curve(run.curve_file)), default=0)


def kill_at(run: RunFolder, data: Path, step: int) -> None:
    process = start(run, data)
    while process.poll() is None and reached(run) < step:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert run.record() is None


def tensors(state: Any, name: str = "method") -> dict[str, torch.Tensor]:
    """Return every tensor of a method's state, whatever the method keeps, by its place in there."""
    if isinstance(state, torch.Tensor):
        return {name: state}
    items = state.items() if isinstance(state, dict) else enumerate(state) if isinstance(state, list) else ()
    return {key: value for part, inner in items for key, value in tensors(inner, f"{name}.{part}").items()}


def state(run: RunFolder) -> dict[str, torch.Tensor]:
    return tensors(torch.load(run.checkpoint_file, weights_only=True)["method"])


def test_weights_curve_and_counts_are_those_of_an_undisturbed_run(folder: Path) -> None:
    (undisturbed,) = (RunFolder(path) for path in (folder / "undisturbed" / "runs").iterdir())
    run = RunFolder(folder / "killed" / undisturbed.path.name)
    run.create(undisturbed.spec())
    for step in sorted(random.sample(range(1, STEPS // 2), 2)):
        kill_at(run, folder / "data", step)
    process = start(run, folder / "data")
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    record = run.record()
    assert record is not None
    assert record.provenance.resumed_from
    expected, found = state(undisturbed), state(run)
    assert expected.keys() == found.keys()
    assert expected
    for name, value in expected.items():
        assert torch.equal(value, found[name]), name
    assert read_curve(run.curve_file) == read_curve(undisturbed.curve_file)
    with np.load(undisturbed.counts_file) as counts, np.load(run.counts_file) as others:
        for name in counts.files:
            assert np.array_equal(counts[name], others[name]), name
