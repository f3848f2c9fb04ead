from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save_file

from infoseg_bench.baselines.features.backbone import Backbone
from infoseg_bench.baselines.features.features_kmeans import FeaturesKMeans
from infoseg_bench.baselines.features.weight_files import network_of, read, remember
from infoseg_bench.contracts import RunContext, Task
from infoseg_bench.contracts.registry import load_methods
from infoseg_bench.data.store import Store
from infoseg_bench.data.train_images import TrainImages
from infoseg_bench.errors import UsageError, UserError
from infoseg_bench.inference.weights import load_model
from infoseg_bench.planning.selection import Parameters, Selection, chosen_suite
from infoseg_bench.training.feature_kmeans import spherical_centres
from tests.baselines.features.networks import TINY, resnet, transformer, write
from tests.cli.commands import launched_here, prepare_photos
from tests.data.miniature import make_view, random_photos, write_photos

NAMED = "a tiny ViT, trained on nothing"
CPU = torch.device("cpu")


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write(tmp_path / "tiny.pth")


def made(file: Path | str, *, channels: int = 3, seed: int = 0, **chosen: Any) -> FeaturesKMeans:
    parameters = FeaturesKMeans.resolve("mini", {"weights": str(file), "pretrained": NAMED, **chosen})
    task = Task(dataset="mini", channels=channels, crop=32, clusters=3)
    return FeaturesKMeans(parameters, task, RunContext(seed=seed, device=CPU, steps=0))


def fitted(folder: Path, method: FeaturesKMeans) -> FeaturesKMeans:
    photos = random_photos(channels=method.task.channels)
    write_photos(folder / "mini.h5", photos, [make_view(photos)], channels=method.task.channels)
    store = Store(folder / "mini.h5")
    train = TrainImages(store.arrays(labels=False), store.view("mini").train, crop=32, seed=0, device=CPU)
    steps = [progress.step for progress in method.fit(train)]
    assert steps == [1]
    return method


def test_a_run_knows_its_weights_by_their_content_and_not_by_their_path(tiny: Path, tmp_path: Path) -> None:
    content = tiny.read_bytes()
    (tmp_path / "copy.pth").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    assert (
        made(tiny).parameters.weights
        == made(tmp_path / "copy.pth").parameters.weights
        == f"sha256:{digest[:16]}"
    )
    assert (
        made(write(tmp_path / "copy.pth", TINY._replace(depth=1))).parameters.weights
        != f"sha256:{digest[:16]}"
    )
    # Where a spec is read, the file need not be there.
    assert made("sha256:0123456789abcdef").parameters.weights == "sha256:0123456789abcdef"


@pytest.mark.parametrize("wrapped", ["plain", "model", "state_dict", "safetensors"])
def test_files_of_several_kinds_hold_the_same_weights(tmp_path: Path, wrapped: str) -> None:
    weights, file = transformer(), tmp_path / f"of.{wrapped}"
    if wrapped == "safetensors":
        save_file(weights, file)
    elif wrapped == "plain":
        torch.save(weights, file)
    else:
        torch.save({wrapped: {f"module.{name}": value for name, value in weights.items()}, "epoch": 3}, file)
    found = read(remember(file))
    assert found.keys() == weights.keys()
    assert all(torch.equal(found[name], weights[name]) for name in weights)


def test_timms_name_of_registers_is_understood(tmp_path: Path) -> None:
    weights = transformer(TINY._replace(registers=2))
    torch.save({"reg_token": weights.pop("register_tokens"), **weights}, tmp_path / "timm.pth")
    network = network_of(read(remember(tmp_path / "timm.pth")))
    assert network.weights()["register_tokens"].shape == (1, 2, 64)


def test_weights_that_are_gone_or_changed_are_asked_for_again(tmp_path: Path) -> None:
    # No other test has a file with this content.
    own = write(tmp_path / "own.pth", TINY._replace(depth=3))
    name = remember(own)
    write(own, TINY._replace(depth=1))
    with pytest.raises(UserError, match=f"weights {name}: no file with this content.*weights=FILE"):
        read(name)
    own.unlink()
    with pytest.raises(UserError, match="no file with this content"):
        read(name)
    with pytest.raises(UsageError, match="no such file"):
        made(own)


def test_a_file_that_has_moved_is_found_at_its_new_place(tiny: Path, tmp_path: Path) -> None:
    name = remember(tiny)
    moved = tiny.rename(tmp_path / "moved.pth")
    assert remember(moved) == name
    assert read(name).keys() == transformer().keys()


@pytest.mark.parametrize("content", [b"no weights", b"", b"\x80\x02K\x05."])
def test_a_file_without_weights_is_one_clear_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.pth").write_bytes(content)
    with pytest.raises(UserError, match=r"bad.pth: cannot be read as weights"):
        read(remember(tmp_path / "bad.pth"))


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({}, "none is ever downloaded.*facebookresearch/dino.*weights=random"),
        ({"weights": "sha256:00"}, "name weights of a file as in 'DINO"),
        ({"weights": "random", "pretrained": NAMED}, "none that are random"),
    ],
)
def test_what_is_missing_is_said_before_a_run(chosen: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        FeaturesKMeans.check_given(FeaturesKMeans.resolve("mini", chosen))


@pytest.mark.parametrize("name", ["DINO", "DINO, trained on", "DINO trained on ImageNet"])
def test_a_name_without_training_data_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="pretrained"):
        FeaturesKMeans.resolve("mini", {"pretrained": name})


def test_a_layer_that_does_not_exist_is_refused(tmp_path: Path, tiny: Path) -> None:
    with pytest.raises(UsageError, match="layer=3: this network has 2"):
        fitted(tmp_path, made(tiny, layer=3))


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_every_pixel_goes_to_the_nearest_centre_by_the_metric(
    tmp_path: Path, tiny: Path, metric: str
) -> None:
    method = fitted(tmp_path, made(tiny, metric=metric, pixels=400))
    images = torch.rand(2, 3, 32, 32)
    maps, centres = method.features(images), method.centres
    assert centres is not None
    maps = F.normalize(maps, dim=1) if metric == "cosine" else maps
    features = F.interpolate(maps, size=(32, 32), mode="bilinear", align_corners=False)[..., None]
    if metric == "cosine":
        torch.testing.assert_close(centres.norm(dim=1), torch.ones(3))
        expected = F.cosine_similarity(features, centres.T[None, :, None, None], dim=1).argmax(dim=-1)
    else:
        expected = (features - centres.T[None, :, None, None]).norm(dim=1).argmin(dim=-1)
    assert float((method.predict(images) == expected).double().mean()) > 0.999


def test_images_are_normalised_enlarged_and_reduced_to_three_bands(tiny: Path, tmp_path: Path) -> None:
    method = fitted(tmp_path, made(tiny, channels=4, enlarge=1.6, metric="euclidean"))
    assert method.network is not None
    images = torch.rand(2, 4, 32, 32)
    large = F.interpolate(images[:, :3], size=(48, 48), mode="bilinear", align_corners=False)
    mean, deviation = (torch.tensor(each)[:, None, None] for each in (Backbone.mean, Backbone.deviation))
    inputs = (large - mean) / deviation
    torch.testing.assert_close(method.features(images), method.network(inputs, 1), atol=1e-5, rtol=1e-4)
    grey = images[:, :1]
    torch.testing.assert_close(method.features(grey), method.features(grey.expand(-1, 3, -1, -1)))


def test_random_weights_are_those_of_the_seed_and_have_no_pre_training() -> None:
    methods = [
        FeaturesKMeans(
            FeaturesKMeans.resolve("mini", {"weights": "random", "layer": 12}),
            Task(dataset="mini", channels=3, crop=32, clusters=3),
            RunContext(seed=seed, device=CPU, steps=0),
        )
        for seed in (0, 0, 1)
    ]
    assert methods[0].shown_title == "Random Features K-Means"
    assert FeaturesKMeans.pretrained(methods[0].parameters) is None
    networks = [method._network() for method in methods]
    filters = [network.state_dict()["blocks.11.mlp.fc1.weight"] for network in networks]
    assert torch.equal(filters[0], filters[1])
    assert not torch.equal(filters[0], filters[2])
    assert float(filters[0].std()) == pytest.approx(0.02, rel=0.01)


def test_spherical_centres_are_directions_whatever_the_lengths() -> None:
    random = np.random.default_rng(0)
    directions = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]], np.float32) / [[1.0], [1.0], [2**0.5]]
    lengths = random.uniform(0.1, 20.0, (600, 1)).astype(np.float32)
    sample = lengths * (np.repeat(directions, 200, axis=0) + 0.05 * random.standard_normal((600, 2)))
    centres = spherical_centres(sample.astype(np.float32), 3, seed=0)
    nearest = (torch.from_numpy(directions).float() @ centres.T).max(dim=1)
    assert float(nearest.values.min()) > 0.999
    assert len(set(nearest.indices.tolist())) == 3
    assert torch.equal(centres, spherical_centres(sample.astype(np.float32), 3, seed=0))
    with pytest.raises(UserError, match="fewer than 4 distinct"):
        spherical_centres(sample[:3], 4, seed=0)


def test_a_resnet_runs_on_the_command_line_and_its_model_needs_no_file(tmp_path: Path) -> None:
    prepare_photos(tmp_path)
    torch.save(resnet(bottleneck=False), tmp_path / "resnet.pth")
    chosen = ["--set", "features-kmeans.weights=resnet.pth", "--set", "features-kmeans.layer=3"]
    run = ["run", "--no-report", "--dataset", "mine", "--method", "features-kmeans"]
    refused = launched_here(tmp_path, *run)
    assert refused.returncode == 2
    assert "none is ever downloaded" in refused.stderr
    done = launched_here(tmp_path, *run, *chosen, "--set", f"features-kmeans.pretrained={NAMED}")
    assert done.returncode == 0, done.stderr
    (tmp_path / "resnet.pth").unlink()
    (folder,) = (tmp_path / "results" / "runs").iterdir()
    exported = launched_here(tmp_path, "export", "--run", folder.name[-16:], "--out", "model.safetensors")
    assert exported.returncode == 0, exported.stderr
    photo = np.asarray(Image.open(tmp_path / "photos" / "000.png").convert("RGB"))
    assert load_model(tmp_path / "model.safetensors", device="cpu").clusters(photo).shape == photo.shape[:2]


def test_all_methods_are_those_that_need_nothing() -> None:
    given: Parameters = {"features-kmeans": {"weights": "random"}}
    cases: list[tuple[Parameters, bool]] = [({}, False), (given, True)]
    for parameters, expected in cases:
        selection = Selection(everything=True, parameters=parameters)
        suite = chosen_suite(selection, ["mine"], load_methods(), obtainable=())
        assert ("features-kmeans" in suite.methods) == expected
        assert "kmeans" in suite.methods
