"""One run taken through one and two processes, as a user types it."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

from infoseg_bench.launchers.processes import descendants
from infoseg_bench.records.curve import read_curve
from infoseg_bench.records.folder import RunFolder
from tests.cli.commands import command, environment, launched_here, prepare_photos

STEPS = 300
RUN = [
    "run", "--dataset", "mine", "--method", "infoseg", "--steps", str(STEPS), "--evaluate-every", "150",
    "--set", "infoseg.width=4", "--set", "infoseg.P=8", "--set", "infoseg.batch=4", "--device", "cpu",
    "--no-report",
]  # fmt: skip


def start(folder: Path, *words: str, beyond: int) -> tuple[subprocess.Popen[str], Path]:
    process = subprocess.Popen(
        command(*RUN, *words), cwd=folder, env=environment(), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 300
    while not (curves := list(folder.glob("results/runs/*/curve.jsonl"))) or reached(curves[0]) <= beyond:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return process, curves[0]


def reached(curve: Path) -> int:
    return max((line["step"] for line in read_curve(curve)), default=0)


def test_a_run_of_two_processes_survives_ctrl_c_and_the_death_of_its_launcher_and_is_finished_by_one(
    tmp_path: Path,
) -> None:
    prepare_photos(tmp_path)
    process, curve = start(tmp_path, "--gpus-per-run", "2", beyond=2)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 130, errors
    run = RunFolder(curve.parent)
    assert run.state() == "interrupted"
    assert not list(run.path.glob(".*.tmp"))
    process, _ = start(tmp_path, "--gpus-per-run", "2", beyond=reached(curve) + 2)
    workers = descendants(process.pid)
    assert len(workers) >= 3
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 120
    while any(Path(f"/proc/{worker}/cmdline").exists() for worker in workers):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert run.state() == "interrupted"
    done = launched_here(tmp_path, *RUN)
    assert done.returncode == 0, done.stderr
    record = run.record()
    assert record is not None
    assert record.provenance.processes == 1
    assert len(record.provenance.resumed_from) == 2
    # Whoever had written beside rank 0 would have doubled lines.
    points = [line["step"] for line in read_curve(run.curve_file) if "loss" in line]
    assert points == list(range(1, STEPS + 1))


def test_two_processes_finish_a_run_that_says_so_and_share_no_method_that_does_not_train(
    tmp_path: Path,
) -> None:
    prepare_photos(tmp_path)
    words = ["--steps", "4", "--gpus-per-run", "2", "--method", "kmeans", "--set", "kmeans.sample=50"]
    done = launched_here(tmp_path, *RUN, *words)
    assert done.returncode == 0, done.stderr
    records = [RunFolder(path).record() for path in sorted((tmp_path / "results" / "runs").iterdir())]
    assert [record.provenance.processes for record in records if record is not None] == [2, 1]


def test_batches_that_cannot_be_shared_and_methods_that_cannot_are_one_clear_line(tmp_path: Path) -> None:
    prepare_photos(tmp_path, count=4)
    done = launched_here(tmp_path, *RUN, "--set", "infoseg.batch=3", "--gpus-per-run", "2")
    assert done.returncode == 1
    assert "batch=3 cannot be divided among 2 processes" in done.stderr
    assert "Traceback" not in done.stderr
    done = launched_here(tmp_path, *RUN, "--gpus-per-run", "2", "--jobs", "2")
    assert done.returncode == 2
    assert "only one run at a time is possible" in done.stderr
