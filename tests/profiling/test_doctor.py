from __future__ import annotations

import json
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

from infoseg_bench.cli import main
from infoseg_bench.profiling import machine as doctor


def call(folder: Path, *options: str) -> Result:
    folders = ["--data", str(folder / "data"), "--results", str(folder / "results")]
    return CliRunner().invoke(main, ["doctor", *folders, *options])


@pytest.fixture(autouse=True)
def roomy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever else runs on this machine, its memory and disk are no problem."""
    monkeypatch.setattr(doctor, "LITTLE_MEMORY", 0)
    monkeypatch.setattr(doctor, "LITTLE_DISK", 0)


def test_a_healthy_machine_has_no_problems_and_nothing_is_left_behind(tmp_path: Path) -> None:
    done = call(tmp_path)
    assert done.exit_code == 0, done.output
    assert done.output.endswith("No problems found.\n")
    words = [line.split() for line in done.output.splitlines()]
    assert ["infoseg-bench", version("infoseg-bench")] in words
    assert ["torch", version("torch")] in words
    assert list(tmp_path.iterdir()) == []


def test_a_prepared_data_set_is_listed_and_a_damaged_store_is_a_problem(tmp_path: Path) -> None:
    words = ["prepare", "synthetic-scenes", "--images", "4", "--data", str(tmp_path / "data")]
    assert CliRunner().invoke(main, words).exit_code == 0
    (tmp_path / "data" / "mine.h5").write_bytes(b"no store")
    done = call(tmp_path, "--json")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert found["sections"]["Data sets"]["synthetic-scenes"].startswith("4 photos, ")
    (problem,) = found["problems"]
    assert "mine.h5" in problem
    assert "prepare it again" in problem
    assert done.stderr == "Error: 1 problem found\n"


def test_a_package_that_is_missing_or_too_old_is_a_problem_with_its_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pretend(name: str) -> str:
        if name in ("h5py", "ray"):
            raise PackageNotFoundError(name)
        return {"click": "7.0", "wandb": "0.1"}.get(name) or version(name)

    monkeypatch.setattr(doctor, "version", pretend)
    done = call(tmp_path)
    assert done.exit_code == 1
    problems = [line for line in done.stdout.splitlines() if line.startswith("Problem: ")]
    assert len(problems) == 3
    assert problems[0].startswith("Problem: click 7.0 is too old: pip install 'click>=")
    assert problems[1].startswith("Problem: h5py is missing: pip install 'h5py>=")
    assert problems[2].startswith("Problem: wandb 0.1 is too old: pip install 'wandb>=")
    assert "not installed (pip install 'infoseg-bench[ray]')" in done.stdout


def test_a_folder_that_cannot_be_written_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file, not a folder")
    found = doctor.diagnose(tmp_path / "data", tmp_path / "results" / "deeper")
    (problem,) = found.problems
    assert "files cannot be written or locked" in problem


def test_a_driver_without_a_gpu_that_torch_can_use_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(shutil, "which", lambda program: f"/usr/bin/{program}")
    (problem,) = doctor.diagnose(tmp_path, tmp_path).problems
    assert "finds no GPU" in problem
    assert "pytorch.org/get-started" in problem


def test_little_memory_and_a_full_disk_are_problems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "LITTLE_MEMORY", 2**80)
    monkeypatch.setattr(doctor, "LITTLE_DISK", 2**80)
    found = doctor.diagnose(tmp_path / "data", tmp_path / "results")
    assert len(found.problems) == 3
    assert "--jobs 1" in found.problems[0]
