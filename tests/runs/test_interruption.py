"""Killed and asked again: the counts are those of an undisturbed run, to the bit."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infoseg_bench.records.curve import read_curve
from infoseg_bench.records.folder import RunFolder
from tests.cli.commands import launched_here
from tests.launchers.slow_runs import (
    EVERY,
    RUN,
    STEPS,
    assert_same_counts,
    brake,
    launch,
    make_specs,
    reached,
    wait_until,
)

STEP = 40
"""Where runs wait to be disturbed."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("interruption")
    make_specs(path, 1)
    assert launched_here(path, *RUN, "--results", "undisturbed").returncode == 0
    return path


def only_run(folder: Path, results: str) -> RunFolder:
    (path,) = (folder / results / "runs").iterdir()
    return RunFolder(path)


def disturbed(
    folder: Path, results: str, disturb: Callable[[], object], *more: str
) -> subprocess.CompletedProcess[str]:
    """Run the command, and disturb it at the brake from another thread."""

    def watch() -> None:
        wait_until(lambda: at_the_brake(folder, results))
        disturb()

    brake(folder, STEP)
    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(watch)
        done = launched_here(folder, *RUN, "--results", results, *more)
        watching.result()
    brake(folder, None)
    return done


def at_the_brake(folder: Path, results: str) -> bool:
    runs = list((folder / results / "runs").glob("*"))
    return bool(runs) and reached(RunFolder(runs[0])) >= STEP


def assert_same_as_undisturbed(folder: Path, results: str) -> None:
    one, other = only_run(folder, "undisturbed"), only_run(folder, results)
    assert one.path.name == other.path.name
    assert_same_counts(one, other)
    curves = [
        [line for line in read_curve(run.curve_file) if "pixel_accuracy" in line] for run in (one, other)
    ]
    assert curves[0] == curves[1]
    assert [line["step"] for line in curves[0]] == list(range(0, STEPS + 1, EVERY))


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
    assert STEP <= record.provenance.resumed_from[0] < STEPS
    assert_same_as_undisturbed(folder, "ctrl-c")


def test_killing_the_launcher_lets_its_worker_save_and_stop_and_what_lies_beyond_is_dropped(
    folder: Path,
) -> None:
    brake(folder, STEP)
    process = launch(folder, "--results", "orphan")
    wait_until(lambda: at_the_brake(folder, "orphan"), process)
    process.kill()
    process.communicate(timeout=60)
    run = only_run(folder, "orphan")
    wait_until(lambda: run.state() == "interrupted")
    brake(folder, None)
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
