"""Killed and asked again: the counts are those of an undisturbed run, to the bit."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from infoseg_bench.records.curve import read_curve
from infoseg_bench.records.folder import RunFolder
from tests.cli.commands import SMALL_INFOSEG, command, environment, launched_here, prepare_photos

STEPS = 160
RUN = [
    "run", "--dataset", "mine", "--method", "infoseg", "--steps", str(STEPS), "--evaluate-every", "80",
    "--no-report", *SMALL_INFOSEG,
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("interruption")
    prepare_photos(path)
    assert launched_here(path, *RUN, "--results", "undisturbed").returncode == 0
    return path


def only_run(folder: Path, results: str) -> RunFolder:
    (path,) = (folder / results / "runs").iterdir()
    return RunFolder(path)


def start(folder: Path, results: str, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(*RUN, "--results", results, *more), cwd=folder, env=environment(), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def disturbed(
    folder: Path, results: str, disturb: Callable[[], object], *more: str
) -> subprocess.CompletedProcess[str]:
    """Run the command, and disturb it after step 40 from another thread."""

    def watch() -> None:
        wait_until(lambda: step_reached(folder, results, 40))
        disturb()

    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(watch)
        done = launched_here(folder, *RUN, "--results", results, *more)
        watching.result()
    return done


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def step_reached(folder: Path, results: str, step: int) -> bool:
    runs = list((folder / results / "runs").glob("*/curve.jsonl"))
    return bool(runs) and any(line["step"] >= step for line in read_curve(runs[0]))


def assert_same_as_undisturbed(folder: Path, results: str) -> None:
    one, other = only_run(folder, "undisturbed"), only_run(folder, results)
    assert one.path.name == other.path.name
    with np.load(one.counts_file) as expected, np.load(other.counts_file) as found:
        for name in expected.files:
            assert np.array_equal(expected[name], found[name]), name
    curves = [
        [line for line in read_curve(run.curve_file) if "pixel_accuracy" in line] for run in (one, other)
    ]
    assert curves[0] == curves[1]
    assert [line["step"] for line in curves[0]] == [0, STEPS // 2, STEPS]


def test_ctrl_c_saves_the_step_and_the_same_command_continues(folder: Path) -> None:
    done = disturbed(folder, "ctrl-c", lambda: os.kill(os.getpid(), signal.SIGINT))
    assert done.returncode == 130, done.stderr
    assert "Interrupted. Run the same command again to resume." in done.stderr
    run = only_run(folder, "ctrl-c")
    assert run.state() == "interrupted"
    assert launched_here(folder, *RUN, "--results", "ctrl-c").returncode == 0
    record = run.record()
    assert record is not None
    assert len(record.provenance.resumed_from) == 1
    assert 40 <= record.provenance.resumed_from[0] < STEPS
    assert_same_as_undisturbed(folder, "ctrl-c")


def test_killing_the_launcher_lets_its_worker_save_and_stop_and_what_lies_beyond_is_dropped(
    folder: Path,
) -> None:
    process = start(folder, "orphan")
    wait_until(lambda: step_reached(folder, "orphan", 40))
    process.kill()
    process.communicate(timeout=60)
    run = only_run(folder, "orphan")
    wait_until(lambda: run.state() == "interrupted")
    # As if the worker had trained on after its checkpoint, and been killed within the next one.
    with run.curve_file.open("a") as curve:
        curve.write(f'{{"step": {STEPS - 1}, "loss": 77.0}}\n{{"step": {STEPS}, "lo')
    run.checkpoint_file.with_name(".checkpoint.pt.1.tmp").write_bytes(b"half a checkpoint")
    assert launched_here(folder, *RUN, "--results", "orphan").returncode == 0
    assert all(line.get("loss") != 77.0 for line in read_curve(run.curve_file))
    assert_same_as_undisturbed(folder, "orphan")


def test_killing_the_worker_fails_its_run_alone_and_asking_again_starts_it_anew(folder: Path) -> None:
    def kill() -> None:
        os.kill(only_run(folder, "killed").status()["pid"], signal.SIGKILL)

    done = disturbed(folder, "killed", kill, "--retries", "0")
    assert done.returncode == 1
    assert "SIGKILL" in done.stderr
    assert only_run(folder, "killed").record() is None
    assert launched_here(folder, *RUN, "--results", "killed").returncode == 0
    assert_same_as_undisturbed(folder, "killed")
