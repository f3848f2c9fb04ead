from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
from PIL import Image

from infoseg_bench.records.folder import RunFolder
from infoseg_bench.runs.snapshots import Snapshots
from tests.cli.commands import SMALL_INFOSEG, launched_here, prepare_photos
from tests.runs.test_execute import make

RUN = [
    "run",
    "--dataset",
    "mine",
    "--method",
    "infoseg",
    *SMALL_INFOSEG,
    "--steps",
    "4",
    "--evaluate-every",
    "2",
]


def finished(folder: Path) -> RunFolder:
    (path,) = (folder / "results" / "runs").iterdir()
    return RunFolder(path)


def test_snapshots_are_the_predictions_of_every_evaluation_and_an_animation(tmp_path: Path) -> None:
    prepare_photos(tmp_path)
    done = launched_here(tmp_path, *RUN, "--snapshots", "3")
    assert done.returncode == 0, done.stderr
    run = finished(tmp_path)
    with np.load(run.snapshots_file) as snapshots:
        assert list(snapshots["steps"]) == [0, 2, 4]
        assert snapshots["clusters"].shape == (3, 3, 32, 32)
        assert snapshots["images"].shape == (3, 32, 32, 3)
        last = snapshots["clusters"][-1]
    with Image.open(run.path / "snapshots.gif") as animation:
        assert animation.n_frames == 3  # type: ignore[attr-defined]
        animation.seek(2)
        drawn = np.asarray(animation.convert("RGB"))[-32:]
    record = run.completed_record()
    assert record is not None
    palette = record.dataset.palette
    colours = np.array([palette[cls] for cls in record.last.one_to_one.matching])  # type: ignore[union-attr]
    expected = np.concatenate(list(colours[last]), axis=1)
    assert np.abs(drawn.astype(int) - expected).max() <= 8  # a GIF has 256 colours

    # Nobody knows whether these photos may be shown.
    report = tmp_path / "results" / "report"
    assert "data:image/gif" not in (report / "index.html").read_text()
    assert [path.relative_to(report).parts[0] for path in report.rglob("*.gif")] == ["local"]

    # Nothing of what a run is, or of its result, depends on them.
    again = launched_here(tmp_path, *RUN, "--dry-run")
    assert "finished" in again.stdout + again.stderr


def test_a_report_shows_the_animation_of_photos_that_may_be_shown(tmp_path: Path) -> None:
    scenes = ["--dataset", "synthetic-scenes", "--method", "random-cnn", "--set", "random-cnn.width=2"]
    for words in (["prepare", "synthetic-scenes", "--images", "6"], ["run", *scenes, "--snapshots", "2"]):
        done = launched_here(tmp_path, *words)
        assert done.returncode == 0, done.stderr
    (film,) = (tmp_path / "results" / "report").rglob("*.gif")
    assert film.read_bytes() == (finished(tmp_path).path / "snapshots.gif").read_bytes()
    page = (tmp_path / "results" / "report" / "index.html").read_text()
    assert base64.b64encode(film.read_bytes()).decode() in page


def test_snapshots_of_steps_that_are_trained_again_are_replaced(tmp_path: Path) -> None:
    execution = make(tmp_path)
    snapshots = Snapshots(execution.folder, execution.evaluation_set, 2)
    method = execution.method
    for step in (0, 2, 4, 2):  # at 4 the process was killed, and the checkpoint was of before 2
        method.load_state({"step": step})
        snapshots.take(method.predict, step)
    with np.load(execution.folder.snapshots_file) as kept:
        assert list(kept["steps"]) == [0, 2]
        assert len(kept["clusters"]) == 2
