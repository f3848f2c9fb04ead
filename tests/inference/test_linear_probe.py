from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from infoseg_bench.baselines.kmeans import KMeans, KMeansParameters
from infoseg_bench.contracts import RunContext, Task
from infoseg_bench.data.catalogue import PreparedDataset, find_prepared
from infoseg_bench.errors import UserError
from infoseg_bench.inference.linear_probe import probe_counts, probe_sets, train_probe
from infoseg_bench.utils.progress import no_progress
from tests.baselines.features.networks import write
from tests.cli.commands import launched_here
from tests.data.miniature import Photo, make_view, random_photos, write_photos

CPU = torch.device("cpu")


class Colours(KMeans):
    """Its features are the colours themselves."""

    def features(self, images: Tensor) -> Tensor:
        return images


def colours() -> Colours:
    task = Task(dataset="mini", channels=3, crop=32, clusters=3)
    return Colours(KMeansParameters(), task, RunContext(seed=0, device=CPU, steps=0))


def prepared(folder: Path, photos: list[Photo], *, train: int = 6) -> PreparedDataset:
    """Prepare photos of which the first are trained on, and the others are scored."""
    places = np.arange(len(photos))
    view = replace(make_view(photos), train=places[:train], evaluation=places[train:])
    write_photos(folder / "mini.h5", photos, [view])
    return find_prepared(folder, "mini")


def probed(data: PreparedDataset, steps: int) -> np.ndarray:
    train, scored = probe_sets(data, protocol="corrected", device=CPU)
    method = colours()
    trained = train_probe(method, train, classes=3, steps=steps, seed=0, progress=no_progress)
    return np.asarray(probe_counts(method, trained, scored, classes=3).sum(axis=0))


def test_a_probe_finds_classes_that_are_linear_in_the_features(tmp_path: Path) -> None:
    data = prepared(tmp_path, random_photos(10, labels="visible"))
    accuracy = {steps: probed(data, steps).diagonal().sum() / probed(data, steps).sum() for steps in (1, 300)}
    assert accuracy[300] > 0.8
    assert accuracy[300] > accuracy[1] + 0.2


def test_a_probe_never_sees_labels_of_scored_photos(tmp_path: Path) -> None:
    photos = random_photos(10, labels="visible")
    others = [
        photo if place < 6 or photo.labels is None else replace(photo, labels=np.zeros_like(photo.labels))
        for place, photo in enumerate(photos)
    ]
    found = []
    for name, chosen in (("own", photos), ("others", others)):
        (tmp_path / name).mkdir()
        found.append(probed(prepared(tmp_path / name, chosen), 20).sum(axis=1))
    # The same pixels are predicted as the same classes, up to those that are void in one of the two.
    train, scored = probe_sets(prepared(tmp_path, photos), protocol="corrected", device=CPU)
    assert (len(train), len(scored)) == (6, 4)
    assert np.abs(found[0] / found[0].sum() - found[1] / found[1].sum()).max() < 0.02


@pytest.mark.parametrize("train", [10, 0])
def test_without_labelled_photos_apart_from_the_scored_ones_a_probe_is_refused(
    tmp_path: Path, train: int
) -> None:
    photos = random_photos(10, labels="all")
    places = np.arange(10)
    view = replace(make_view(photos), train=places[:train], evaluation=places)
    write_photos(tmp_path / "mini.h5", photos, [view])
    with pytest.raises(UserError, match="mini: no labelled training photos besides the scored ones"):
        probe_sets(find_prepared(tmp_path, "mini"), protocol="corrected", device=CPU)


def test_a_method_without_features_says_so() -> None:
    method = KMeans(KMeansParameters(), colours().task, colours().run)
    with pytest.raises(UserError, match="kmeans has no features"):
        method.features(torch.rand(1, 3, 32, 32))


def test_a_finished_run_is_probed_on_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    prepared(tmp_path / "data", random_photos(10, labels="visible"))
    write(tmp_path / "tiny.pth")
    chosen = ["weights=tiny.pth", "pretrained=a tiny ViT, trained on nothing", "pixels=500"]
    words = [word for each in chosen for word in ("--set", f"features-kmeans.{each}")]
    run = ["run", "--no-report", "--dataset", "mini", "--method", "features-kmeans", *words]
    done = launched_here(tmp_path, *run)
    assert done.returncode == 0, done.stderr
    before = {file: file.read_bytes() for file in (tmp_path / "results" / "runs").rglob("*.json")}
    name = "mini--features-kmeans--seed0"
    shown = launched_here(tmp_path, "probe", "--run", name, "--steps", "3", "--device", "cpu")
    assert shown.returncode == 0, shown.stderr
    assert "linear probe, trained with the labels of 6 photos for 3 steps: PA " in shown.stdout
    assert "on no leaderboard" in shown.stdout
    assert all(file.read_bytes() == content for file, content in before.items())
    (file,) = (tmp_path / "results" / "runs").glob("*/probe.json")
    content = json.loads(file.read_text())
    counts = np.array(content["counts"])
    assert content["pixel_accuracy"] == pytest.approx(counts.diagonal().sum() / counts.sum())
    assert launched_here(tmp_path, "verify", "results").returncode == 0
