from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infoseg_bench.records.folder import RunFolder
from tests.cli.commands import command, environment, launched_here, prepare_photos

PLUGIN = Path(__file__).with_name("failing_method.py")
FULL_AT_THE_END = """
import sys
from infoseg_bench.errors import UserError
from infoseg_bench.runs import conclude, worker
def full(*_):
    raise UserError("the disk is full")
conclude.write_checkpoint = worker.animate = full
sys.exit(worker.main(sys.argv[1:]))
"""
"""The worker, on a disk that is full as soon as the record is written."""
TRAIN = ["run", "--dataset", "mine", "--method", "infoseg", "--steps", "4", "--evaluate-every", "4",
         "--set", "infoseg.batch=2", "--set", "infoseg.width=4", "--no-report"]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("failures")
    prepare_photos(path, count=4)
    return path


@pytest.fixture(scope="module")
def trained(folder: Path) -> Path:
    """The results of a run that is finished."""
    done = launched_here(folder, *TRAIN, "--set", "infoseg.P=8", "--results", "trained")
    assert done.returncode == 0, done.stderr
    assert not (folder / "trained" / "report").exists()
    return folder / "trained"


def copied(results: Path, name: str) -> RunFolder:
    """Copy the results of one run to a folder of that name beside them."""
    (path,) = (shutil.copytree(results, results.with_name(name)) / "runs").iterdir()
    return RunFolder(path)


def test_a_run_that_goes_wrong_fails_alone_with_its_reason(folder: Path) -> None:
    methods = ["raising", "dying", "diverging", "straying", "kmeans"]
    words = [word for method in methods for word in ("--method", method)]
    words += ["--steps", "2", "--set", "kmeans.sample=200", "--plugin", str(PLUGIN), "--jobs", "2"]
    words += ["--retries", "1"]
    done = launched_here(folder, "run", "--dataset", "mine", *words)
    assert done.returncode == 1, done.stderr
    for reason in (
        "ZeroDivisionError: by design",
        "SIGKILL",
        "loss is nan at step 2",
        "cluster 5 is outside [0, 2)",
    ):
        assert reason in done.stderr
    assert "4 of 5 runs did not finish" in done.stderr
    # A kill may be the machine's; what a method does wrong it does again.
    assert done.stderr.count("trying again") == 1
    assert "K-Means" in done.stdout
    assert "Failing" not in done.stdout


def test_a_failed_run_keeps_its_traceback_and_is_tried_again(folder: Path) -> None:
    (path,) = (folder / "results" / "runs").glob("mine--raising--*")
    record = RunFolder(path).record()
    assert record is not None
    assert record.status == "failed"
    assert record.error is not None
    assert "by design" in record.error
    assert record.last is None
    done = launched_here(
        folder, "run", "--dataset", "mine", "--method", "raising", "--steps", "2", "--plugin", str(PLUGIN),
        "--no-report",
    )  # fmt: skip
    assert "failed       mine raising" in done.stdout
    assert done.returncode == 1


def test_a_run_that_has_collapsed_to_one_cluster_says_so_in_its_record_and_on_the_board(folder: Path) -> None:
    words = ["--method", "collapsing", "--steps", "2", "--plugin", str(PLUGIN), "--results", "collapsed"]
    done = launched_here(folder, "run", "--dataset", "mine", *words)
    assert done.returncode == 0, done.stderr
    (path,) = (folder / "collapsed" / "runs").iterdir()
    record = RunFolder(path).record()
    assert record is not None
    assert record.warnings == ["collapsed: 100.0 % of the scored pixels are in one of 2 clusters"]
    assert f"seed 0: {record.warnings[0]}" in " ".join(done.stdout.split())


def test_a_damaged_checkpoint_without_one_before_it_is_named_in_the_log_and_the_run_begun_anew(
    folder: Path, trained: Path
) -> None:
    run = copied(trained, "damaged")
    run.record_file.unlink()
    run.checkpoint_file.write_bytes(run.checkpoint_file.read_bytes()[:1000])
    done = launched_here(folder, *TRAIN, "--set", "infoseg.P=8", "--results", "damaged")
    assert done.returncode == 0
    assert "finished: the checkpoint was damaged, so the run was started again" in done.stderr
    assert "checkpoint.pt: damaged" in run.log_file.read_text()


def test_a_batch_larger_than_the_data_set_is_one_clear_line(folder: Path) -> None:
    done = launched_here(folder, *TRAIN, "--set", "infoseg.batch=64", "--results", "big")
    assert done.returncode == 1
    assert "batch=64 is larger than the data set's 4 training photos" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_diverging_loss_names_its_step_and_the_last_good_checkpoint_and_is_no_result(folder: Path) -> None:
    words = [*TRAIN, "--set", "infoseg.P=8", "--set", "infoseg.lr=1e30", "--results", "diverged"]
    done = launched_here(folder, *words)
    assert done.returncode == 1
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("  mine infoseg"))
    found = r"(loss is (nan|inf) at|(weights|outputs) are not finite after) step \d+.*: the run has diverged"
    assert re.search(found, line)
    assert "there is no earlier checkpoint; try a lower lr" in line
    assert "Traceback" not in done.stderr
    (path,) = (folder / "diverged" / "runs").iterdir()
    run = RunFolder(path)
    record = run.record()
    assert record is not None
    assert record.status == "failed"
    assert record.last is None
    assert not run.checkpoint_file.exists()
    assert not run.counts_file.exists()


def test_a_checkpoint_of_another_architecture_is_named_with_what_differs(folder: Path, trained: Path) -> None:
    done = launched_here(folder, *TRAIN, "--set", "infoseg.P=16", "--results", "size-16")
    assert done.returncode == 0, done.stderr
    run, (other,) = copied(trained, "size-8"), (folder / "size-16" / "runs").iterdir()
    shutil.copy(other / "checkpoint.pt", run.checkpoint_file)
    run.record_file.unlink()
    done = launched_here(folder, *TRAIN, "--set", "infoseg.P=8", "--results", "size-8")
    assert done.returncode == 1
    assert "checkpoint.pt: made by another network (size mismatch for" in done.stderr
    assert "--force" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_finished_run_whose_record_is_gone_says_so_and_is_repeated_by_force(
    folder: Path, trained: Path
) -> None:
    run = copied(trained, "no-record")
    run.record_file.unlink()
    words = [*TRAIN, "--set", "infoseg.P=8", "--results", "no-record"]
    done = launched_here(folder, *words)
    assert done.returncode == 1
    assert "checkpoint.pt: the weights of a finished run, but record.json is gone" in done.stderr
    assert "with --force, with --dataset mine, --method infoseg and --seeds 0" in done.stderr
    assert launched_here(folder, *words, "--force").returncode == 0
    assert run.state() == "finished"


def test_a_run_of_the_second_version_is_refused_with_its_version(folder: Path, trained: Path) -> None:
    run = copied(trained, "second-version")
    run.record_file.unlink()
    spec = run.spec().model_copy(update={"method_version": 2})
    run.spec_file.write_text(spec.model_dump_json())
    worker = [
        sys.executable,
        "-m",
        "infoseg_bench.runs.worker",
        str(run.path),
        "--data",
        str(folder / "data"),
    ]
    done = subprocess.run(worker, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    error = run.status()["error"]
    assert "infoseg: the run needs version 2 of the method, but version 3 is installed" in error


@pytest.mark.parametrize(
    ("name", "options", "method", "says"),
    [
        ("tiny", ["--classes", "background,disk", "--crop", "8"], "infoseg", "smaller than the 18 that"),
        ("tiny", ["--classes", "background,disk", "--crop", "8"], "random-cnn", "minimum of 10x10"),
    ],
)
def test_data_that_no_method_can_learn_from_are_one_clear_line(
    folder: Path, name: str, options: list[str], method: str, says: str
) -> None:
    if not (folder / "data" / f"{name}.h5").exists():
        prepare = ["prepare", "image-folder", "--name", name, "--images", "photos", "--labels", "labels"]
        done = launched_here(folder, *prepare, *options)
        assert done.returncode == 0, done.stderr
    small = ["--steps", "2", "--set", f"{method}.width=4"]
    done = launched_here(folder, "run", "--dataset", name, "--method", method, *small)
    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_damaged_record_does_not_stand_in_the_way_of_force(folder: Path) -> None:
    words = [
        "run",
        "--dataset",
        "mine",
        "--method",
        "kmeans",
        "--set",
        "kmeans.sample=50",
        "--no-report",
        "--results",
        "cut",
    ]
    assert launched_here(folder, *words).returncode == 0
    (path,) = (folder / "cut" / "runs").iterdir()
    record = path / "record.json"
    record.write_text(record.read_text()[:200])
    done = launched_here(folder, *words)
    assert done.returncode == 1
    assert "record.json" in done.stderr
    assert "--force" in done.stderr
    assert launched_here(folder, *words, "--force").returncode == 0


def test_a_run_recorded_as_finished_stays_so_if_the_disk_is_full_afterwards(
    folder: Path, trained: Path
) -> None:
    (path,) = (trained / "runs").iterdir()
    run = RunFolder(folder / "full" / "runs" / path.name)
    run.create(RunFolder(path).spec())
    words = [sys.executable, "-c", FULL_AT_THE_END, str(run.path), "--data", str(folder / "data")]
    words += ["--device", "cpu", "--snapshots", "1"]
    done = subprocess.run(words, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (run.state(), run.status()["state"]) == ("finished", "finished")
    assert len(re.findall("WARNING .*: the disk is full", done.stderr)) == 2


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare, to mount a small disk")
def test_a_full_disk_fails_the_run_with_a_clear_line_and_its_checkpoint_is_whole_or_absent(
    folder: Path, tmp_path: Path
) -> None:
    small = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
    mount = f'mount -t tmpfs -o size=300k tmpfs "{tmp_path}"'
    if subprocess.run([*small, mount], capture_output=True, check=False).returncode:
        pytest.skip("may not mount a small disk")
    words = command(
        "run", "--dataset", "mine", "--method", "infoseg", "--steps", "2", "--set", "infoseg.batch=2",
        "--set", "infoseg.width=8", "--set", "infoseg.P=64", "--results", str(tmp_path),
    )  # fmt: skip
    listing = f'find "{tmp_path}" -name "*checkpoint*"'
    done = subprocess.run(
        [*small, f'{mount} && "$@"; status=$?; {listing}; exit $status', "sh", *words],
        cwd=folder, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "checkpoint.pt: the disk is full: free some space" in done.stderr
    assert "1 of 1 run did not finish" in done.stderr
    assert "checkpoint" not in done.stdout
