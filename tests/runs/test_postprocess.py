"""Post-processing of a method's scores, declared wherever it counts."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch

from infoseg_bench import export, get_model, load_model, load_results, load_store, verify
from infoseg_bench.api import methods
from infoseg_bench.cli.options import POSTPROCESS
from infoseg_bench.contracts import Method, RunContext, Task
from infoseg_bench.contracts.registry import load_methods
from infoseg_bench.errors import UserError
from infoseg_bench.inference.checkpointed import predict, read_images
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.records.spec import Postprocess
from infoseg_bench.reporting.boards import make_boards
from infoseg_bench.reporting.loaded_runs import read_runs
from infoseg_bench.runs.prediction import predictor
from infoseg_bench.scoring.counts import confusion_counts
from tests.cli.commands import launched_here, prepare_photos
from tests.runs.failing_method import Raising

CPU = torch.device("cpu")
RUN = [
    "run", "--dataset", "mine", "--method", "random-cnn", "--set", "random-cnn.width=2", "--seeds", "3",
    "--no-report",
]  # fmt: skip
"""With this seed both clusters are large, and post-processing changes many pixels."""


def random_cnn() -> Method:
    cls = load_methods().method("random-cnn")
    task = Task(dataset="any", channels=3, crop=24, clusters=3)
    return cls(cls.resolve("any", {"width": 2}), task, RunContext(seed=0, device=CPU, steps=0))


@torch.no_grad()
def test_mirrored_averaging_segments_a_mirror_image_as_the_mirrored_image() -> None:
    method = random_cnn()
    images = torch.rand(4, 3, 24, 24, generator=torch.Generator().manual_seed(1))
    plain, mirrored = predictor(method, "none"), predictor(method, "mirror")
    assert torch.equal(mirrored(images.flip(3)), mirrored(images).flip(2))
    assert not torch.equal(plain(images.flip(3)), plain(images).flip(2))


@torch.no_grad()
def test_mirrored_averaging_gives_the_cluster_of_the_highest_mean_score() -> None:
    method = random_cnn()
    images = torch.rand(2, 3, 24, 24, generator=torch.Generator().manual_seed(2))
    both = torch.stack([method.scores(images), method.scores(images.flip(3)).flip(3)])
    assert torch.equal(predictor(method, "mirror")(images), both.mean(dim=0).argmax(dim=1))


def test_the_commands_know_every_kind() -> None:
    assert tuple(POSTPROCESS.choices) == get_args(Postprocess)


def test_a_method_without_scores_says_so() -> None:
    task = Task(dataset="any", channels=3, crop=24, clusters=3)
    method = Raising(Raising.resolve("any", {}), task, RunContext(seed=0, device=CPU, steps=2))
    with pytest.raises(UserError, match="raising gives clusters without scores"):
        method.scores(torch.rand(1, 3, 24, 24))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("postprocess")
    prepare_photos(path)
    for words in ([], ["--postprocess", "mirror"]):
        done = launched_here(path, *RUN, *words)
        assert done.returncode == 0, done.stderr
    return path


def mirrored_run(folder: Path) -> RunFolder:
    table = load_results(folder / "results")
    (source,) = table[table.postprocess == "mirror"].source.unique()
    return RunFolder(Path(source))


def test_a_post_processed_run_is_a_run_and_a_row_of_its_own(folder: Path) -> None:
    assert len(list((folder / "results" / "runs").iterdir())) == 2
    runs, problems = read_runs(folder / "results")
    (board,) = make_boards(runs)
    assert not problems
    assert sorted(board.rows["label"]) == ["Random CNN", "Random CNN (postprocess=mirror)"]
    assert not verify(folder / "results", data=folder / "data").faults
    again = launched_here(folder, *RUN, "--postprocess", "mirror", "--dry-run")
    assert "finished" in again.stdout


def test_the_record_has_the_counts_of_what_the_post_processing_gives(folder: Path) -> None:
    run, store = mirrored_run(folder), load_store("mine", folder / "data")
    photos = read_images(store, "corrected")
    clusters = torch.from_numpy(predict(run, photos, range(len(photos.images))))
    counts = confusion_counts(clusters, photos.labels, n_clusters=2, n_classes=2).sum(dim=0)
    with np.load(run.counts_file) as kept:
        assert np.array_equal(kept["last"], counts.numpy())
    method = get_model(run.path).method
    assert np.array_equal(methods.predict(method, store, postprocess="mirror"), clusters.numpy())
    assert not np.array_equal(methods.predict(method, store), clusters.numpy())


def test_a_runs_model_and_its_export_post_process_as_it_was_scored(folder: Path) -> None:
    run = mirrored_run(folder)
    exported = export(run.path, folder / "model.safetensors")
    assert "post-processing mirror" in exported.card.read_text()
    assert get_model(run.path).postprocess == load_model(exported.file).postprocess == "mirror"
    photo = folder / "photos" / "000.png"
    found = {}
    for words in ([], ["--postprocess", "mirror"], ["--postprocess", "none"]):
        done = launched_here(folder, "predict", "--run", str(run.path), "--out", "out", *words, str(photo))
        assert done.returncode == 0, done.stderr
        found[tuple(words)] = (folder / "out" / "000-labels.png").read_bytes()
    default, mirror, none = found.values()
    assert default == mirror != none
