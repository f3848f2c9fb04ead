from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest
import torch

from infoseg_bench.errors import UserError
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.runs.checkpoint import (
    TrainingState,
    load_checkpoint,
    peek_training_state,
    write_checkpoint,
)


def write(folder: RunFolder, step: int) -> None:
    content = {
        "harness": TrainingState(started="now", step=step).content(),
        "method": {"w": torch.full((99,), step)},
    }
    write_checkpoint(folder, content)


def step_loaded(folder: RunFolder) -> int:
    found = load_checkpoint(folder)
    assert found is not None
    training, state = found
    assert bool((state["w"] == training.step).all())
    return training.step


@pytest.mark.parametrize("left", [0, 1, 500, -1, -30])
def test_after_a_checkpoint_cut_short_the_one_before_is_taken(
    tmp_path: Path, left: int, caplog: pytest.LogCaptureFixture
) -> None:
    folder = RunFolder(tmp_path)
    write(folder, 1)
    write(folder, 2)
    folder.checkpoint_file.write_bytes(folder.checkpoint_file.read_bytes()[:left])
    assert step_loaded(folder) == 1
    assert "checkpoint.pt: damaged" in caplog.text


def test_a_block_that_the_disk_lost_is_noticed(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    write(folder, 1)
    write(folder, 2)
    content = folder.checkpoint_file.read_bytes()
    weights = torch.full((99,), 2).numpy().tobytes()
    assert content.count(weights) == 1
    folder.checkpoint_file.write_bytes(content.replace(weights, bytes(len(weights))))
    assert step_loaded(folder) == 1


def test_power_lost_between_the_two_renames_costs_one_checkpoint(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    write(folder, 1)
    folder.checkpoint_file.rename(folder.previous_checkpoint_file)
    assert folder.state() == "interrupted"
    assert (training := peek_training_state(folder)) is not None
    assert training.step == 1
    assert step_loaded(folder) == 1


def test_a_disk_that_is_full_leaves_the_checkpoint_and_goes_on_when_there_is_space(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    write(folder, 1)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(UserError, match=r"checkpoint.pt: cannot be written \(File too large\)"):
            write(folder, 2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert sorted(os.listdir(tmp_path)) == ["checkpoint.pt"]
    assert (training := peek_training_state(folder)) is not None
    assert training.step == 1
    write(folder, 2)
    assert step_loaded(folder) == 2


def test_one_checkpoint_before_is_kept_and_no_more(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for step in (1, 2, 3):
        write(folder, step)
    assert sorted(os.listdir(tmp_path)) == ["checkpoint.previous.pt", "checkpoint.pt"]


def test_a_run_keeps_the_threads_of_its_first_start_until_it_is_repeated(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert [folder.first_threads(count) for count in (2, 1, 4)] == [2, 2, 2]
    folder.clear_results()
    assert folder.first_threads(1) == 1
