"""Runs as jobs of a real one-node Slurm: preempted, orphaned and stopped, they end as a local run does."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from infoseg_bench.runs.curve import read_curve
from infoseg_bench.runs.folder import RunFolder
from tests.cli.commands import SMALL_INFOSEG, command, environment, infoseg_bench, prepare_photos
from tests.engines.slurm_node import slurm_node, why_not

pytest.importorskip("submitit", reason="needs the extra slurm")

STEPS = 300
RUN = ["run", "--dataset", "mine", "--method", "infoseg", "--steps", str(STEPS), "--seeds", "0-1",
       "--device", "cpu", *SMALL_INFOSEG]  # fmt: skip
ON_SLURM = ["--engine", "slurm", "--slurm", "cpus=1", "--slurm", "mem_gb=0.3", "--slurm", "minutes=30"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("slurm")
    prepare_photos(path)
    assert infoseg_bench(path, *RUN, "--results", "undisturbed").returncode == 0
    return path


@pytest.fixture(scope="module")
def slurm() -> Iterator[dict[str, str]]:
    reason = why_not()
    if reason:
        pytest.skip(reason)
    with slurm_node() as found:
        yield {**found, **{name: found[name] for name in ("PATH", "SLURM_CONF")}}


def launch(folder: Path, slurm: dict[str, str], results: str, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(*RUN, *ON_SLURM, *words, "--results", results), cwd=folder, text=True,
        env={**environment(), "PATH": slurm["PATH"], "SLURM_CONF": slurm["SLURM_CONF"]},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def ask(slurm: dict[str, str], *words: str) -> str:
    return subprocess.run(words, env=slurm, capture_output=True, text=True, check=True).stdout


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def runs(folder: Path, results: str) -> list[RunFolder]:
    return [RunFolder(path) for path in sorted((folder / results / "runs").glob("*"))]


def under_way(folder: Path, results: str) -> bool:
    found = runs(folder, results)
    return len(found) == 2 and all(
        any(line["step"] >= 20 for line in read_curve(run.curve_file)) for run in found
    )


def job(run: RunFolder) -> str:
    return str(json.loads((run.path / "slurm.json").read_text())["job"])


def assert_same_as_undisturbed(folder: Path, results: str) -> None:
    for one, other in zip(runs(folder, "undisturbed"), runs(folder, results), strict=True):
        assert one.path.name == other.path.name
        with np.load(one.counts_file) as expected, np.load(other.counts_file) as found:
            for name in expected.files:
                assert np.array_equal(expected[name], found[name]), name


def resumed(run: RunFolder) -> int:
    record = run.record()
    assert record is not None
    return len(record.provenance.resumed_from)


def test_preempted_jobs_of_an_array_queue_again_and_resume_though_the_launcher_was_killed(
    folder: Path, slurm: dict[str, str]
) -> None:
    process = launch(folder, slurm, "preempted")
    wait_until(lambda: under_way(folder, "preempted"))
    process.kill()
    process.communicate(timeout=60)
    first, second = runs(folder, "preempted")
    jobs = [job(first), job(second)]
    assert len({name.partition("_")[0] for name in jobs}) == 1
    ask(slurm, "scancel", "--signal=USR2", jobs[0])
    ask(slurm, "scontrol", "requeue", jobs[1])
    _, errors = launch(folder, slurm, "preempted").communicate(timeout=200)
    assert [job(first), job(second)] == jobs
    assert [resumed(first), resumed(second)] == [1, 1], errors
    assert_same_as_undisturbed(folder, "preempted")


def test_ctrl_c_lets_jobs_save_their_state_and_the_same_command_continues(
    folder: Path, slurm: dict[str, str]
) -> None:
    process = launch(folder, slurm, "stopped")
    wait_until(lambda: under_way(folder, "stopped"))
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "nothing finished is lost" in errors
    assert {run.state() for run in runs(folder, "stopped")} == {"interrupted"}
    assert "infoseg" not in ask(slurm, "squeue", "--noheader", "--format=%j")
    process = launch(folder, slurm, "stopped")
    _, errors = process.communicate(timeout=200)
    assert process.returncode == 0, errors
    assert [resumed(run) for run in runs(folder, "stopped")] == [1, 1]
    assert_same_as_undisturbed(folder, "stopped")


def test_what_sbatch_refuses_is_one_clear_line(folder: Path, slurm: dict[str, str]) -> None:
    process = launch(folder, slurm, "refused", "--slurm", "partition=nowhere")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "invalid partition specified: nowhere" in errors
    assert "Traceback" not in errors
