"""Every file of `examples/`, executed as its first lines say."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import infoseg_bench
from infoseg_bench.data.catalogue import find_prepared
from tests.cli.commands import environment, launched_here
from tests.launchers.slurm_node import slurm_node, why_not

EXAMPLES = Path(__file__).parents[2] / "examples"
SMALL = ["--set", "infoseg.width=4", "--set", "infoseg.P=8", "--set", "infoseg.batch=4", "--steps", "2"]


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    """A folder in which a few scenes are prepared."""
    done = launched_here(tmp_path, "prepare", "synthetic-scenes", "--images", "8")
    assert done.returncode == 0, done.stderr
    return tmp_path


def script(name: str, *arguments: str, folder: Path) -> str:
    command = [sys.executable, "-W", "error", str(EXAMPLES / name), *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_example_is_executed_here() -> None:
    text = Path(__file__).read_text()
    assert {
        path.name for path in EXAMPLES.iterdir() if path.is_file() and f'"{path.name}"' not in text
    } == set()


def test_own_method_does_what_every_method_must_and_joins_the_board(scenes: Path) -> None:
    file = str(EXAMPLES / "own_method.py")
    checked = launched_here(scenes, "check", file)
    assert checked.returncode == 0, checked.stdout
    words = ["--plugin", file, "--method", "colour-and-place", "--dataset", "synthetic-scenes"]
    done = launched_here(scenes, "run", *words, "--set", "colour-and-place.images=4")
    assert done.returncode == 0, done.stderr
    assert "Colour and place |" in (scenes / "results" / "report" / "leaderboard.md").read_text()


def test_own_dataset_draws_the_polygons_and_scores_labelled_photos_only(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for index in range(3):
        Image.new("RGB", (90, 80), (index, 50, 200)).save(folder / f"{index}.png")
    square = {"label": "cat", "points": [[10, 20], [29, 20], [29, 39], [10, 39]]}
    (folder / "1.json").write_text(json.dumps({"shapes": [square]}))
    words = ["prepare", "--plugin", str(EXAMPLES / "own_dataset.py"), "labelme", "--folder", "photos"]
    done = launched_here(tmp_path, *words, "--classes", "background,cat")
    assert done.returncode == 0, done.stderr
    prepared = find_prepared(tmp_path / "data", "labelme")
    assert list(prepared.view.evaluation) == [1]
    labels = prepared.store.arrays(labels=True).labels
    assert labels is not None
    assert int(np.count_nonzero(labels == 1)) == 20 * 20
    wrong = launched_here(tmp_path, *words, "--classes", "background,dog")
    assert wrong.returncode == 1
    assert "unknown class 'cat'" in wrong.stderr


def test_score_other_model_puts_an_external_row_on_the_board(scenes: Path) -> None:
    printed = script("score_other_model.py", "synthetic-scenes", folder=scenes)
    assert "PA" in printed
    reported = launched_here(scenes, "report")
    assert reported.returncode == 0, reported.stderr
    assert "| Brightness in three" in (scenes / "results" / "report" / "leaderboard.md").read_text()


@pytest.mark.skipif(not hasattr(infoseg_bench, "load_results"), reason="needs load_results")
def test_sweep_runs_every_value_and_plots_them(scenes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["sweep.py", "synthetic-scenes", "kmeans", "sample", "500", "1000", "--seeds", "2"]
    monkeypatch.setattr(sys, "argv", words)
    monkeypatch.chdir(scenes)
    # In this process, which has imported torch.
    runpy.run_path(str(EXAMPLES / words[0]), run_name="__main__")
    assert len(list((scenes / "results" / "runs").glob("*/record.json"))) == 4
    assert "<svg" in (scenes / "sweep.svg").read_text()


def test_slurm_runs_every_method_as_jobs(scenes: Path) -> None:
    pytest.importorskip("submitit", reason="needs the extra slurm")
    if reason := why_not():
        pytest.skip(reason)
    small = ["--seeds", "0", "--slurm", "gpus=0", "--slurm", "cpus=1", "--slurm", "mem_gb=0.3"]
    with slurm_node() as variables:
        programs = f"{Path(sys.executable).parent}:{variables['PATH']}"
        done = subprocess.run(
            ["bash", str(EXAMPLES / "slurm.sh"), "synthetic-scenes", *small, "--slurm", "minutes=30", *SMALL],
            cwd=scenes,
            env={**environment(), **variables, "PATH": programs},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
    assert done.returncode == 0, done.stderr
    board = (scenes / "results" / "report" / "leaderboard.md").read_text()
    assert "InfoSeg |" in board
    assert "K-Means |" in board
