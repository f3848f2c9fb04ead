"""One run taken through one and two processes, as a user types it."""

from __future__ import annotations

import signal
from pathlib import Path

from infoseg_bench.launchers.processes import descendants
from infoseg_bench.records.curve import read_curve
from infoseg_bench.records.folder import RunFolder
from tests.cli.commands import launched_here, prepare_photos
from tests.launchers import slow_runs
from tests.launchers.slow_runs import STEPS, brake, launch, make_specs, reached, wait_until

RUN = [
    "run", "--dataset", "mine", "--method", "infoseg", "--steps", "4", "--evaluate-every", "4",
    "--set", "infoseg.width=4", "--set", "infoseg.P=8", "--set", "infoseg.batch=4", "--device", "cpu",
    "--no-report", "--gpus-per-run", "2",
]  # fmt: skip


def test_a_run_of_two_processes_survives_ctrl_c_and_the_death_of_its_launcher_and_is_finished_by_one(
    tmp_path: Path,
) -> None:
    (spec,) = make_specs(tmp_path, 1)
    run = RunFolder.of(tmp_path / "results", spec)
    brake(tmp_path, 5)
    process = launch(tmp_path, "--gpus-per-run", "2")
    wait_until(lambda: reached(run) >= 5, process)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 130, errors
    assert run.state() == "interrupted"
    assert not list(run.path.glob(".*.tmp"))
    further = reached(run) + 5
    brake(tmp_path, further)
    process = launch(tmp_path, "--gpus-per-run", "2")
    wait_until(lambda: reached(run) >= further, process)
    workers = descendants(process.pid)
    assert len(workers) >= 3
    process.kill()
    process.communicate()
    wait_until(lambda: not any(Path(f"/proc/{worker}/cmdline").exists() for worker in workers))
    assert run.state() == "interrupted"
    brake(tmp_path, None)
    done = launched_here(tmp_path, *slow_runs.RUN)
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
    done = launched_here(tmp_path, *RUN, "--method", "kmeans", "--set", "kmeans.sample=50")
    assert done.returncode == 0, done.stderr
    records = [RunFolder(path).record() for path in sorted((tmp_path / "results" / "runs").iterdir())]
    assert [record.provenance.processes for record in records if record is not None] == [2, 1]


def test_batches_that_cannot_be_shared_and_methods_that_cannot_are_one_clear_line(tmp_path: Path) -> None:
    prepare_photos(tmp_path, count=4)
    done = launched_here(tmp_path, *RUN, "--set", "infoseg.batch=3")
    assert done.returncode == 1
    assert "batch=3 cannot be divided among 2 processes" in done.stderr
    assert "Traceback" not in done.stderr
    done = launched_here(tmp_path, *RUN, "--jobs", "2")
    assert done.returncode == 2
    assert "only one run at a time is possible" in done.stderr
