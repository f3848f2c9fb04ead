"""Doersch* and Isola*: where the windows lie, and what is learnt from them."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from infoseg_bench.baselines.pairs.doersch import Doersch, DoerschParameters, dropped
from infoseg_bench.baselines.pairs.isola import Isola, IsolaParameters
from infoseg_bench.baselines.pairs.pair_method import Pair, PairMethod
from infoseg_bench.contracts import RunContext, Task
from infoseg_bench.data.store import Store
from infoseg_bench.data.train_images import TrainBatch, TrainImages
from infoseg_bench.errors import UsageError, UserError
from tests.data.miniature import write_store

CPU = torch.device("cpu")
SMALL: dict[str, Any] = {
    "width": 2, "batch": 4, "patch": 5, "branch": 4, "hidden": 16, "cluster_pixels": 200
}  # fmt: skip
METHODS: dict[str, type[PairMethod]] = {"doersch": Doersch, "isola": Isola}
both = pytest.mark.parametrize("name", sorted(METHODS))


def make(name: str, *, crop: int = 32, dataset: str = "mini", **parameters: Any) -> PairMethod:
    cls = METHODS[name]
    task = Task(dataset=dataset, channels=3, crop=crop, clusters=3)
    chosen = cls.resolve(dataset, {**SMALL, **parameters})
    assert isinstance(chosen, DoerschParameters | IsolaParameters)
    return cls(chosen, task, RunContext(seed=0, device=CPU, steps=3))


def batch(count: int = 4) -> TrainBatch:
    pixels = torch.rand(count, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    return TrainBatch(images=pixels, inside=torch.ones(count, 32, 32, dtype=torch.bool), mask=None)


def pairs(method: PairMethod, size: int = 128, count: int = 600) -> list[Pair]:
    return [method.place(size, torch.Generator().manual_seed(seed)) for seed in range(count)]


def offset(pair: Pair) -> tuple[int, int]:
    return pair.second[0] - pair.first[0], pair.second[1] - pair.first[1]


@both
@pytest.mark.parametrize(("size", "patch"), [(128, 11), (200, 11), (44, 11), (20, 5)])
def test_windows_lie_within_the_image(name: str, size: int, patch: int) -> None:
    for pair in pairs(make(name, crop=64, patch=patch), size, 100):
        for position in (*pair.first, *pair.second):
            assert patch // 2 <= position <= size - 1 - patch // 2


@pytest.mark.parametrize(("directions", "count"), [("published", 9), ("corrected", 8)])
def test_doersch_names_directions_in_steps_of_45_degrees(directions: str, count: int) -> None:
    method = make("doersch", patch=11, crop=128, directions=directions)
    found = pairs(method)
    assert {pair.target for pair in found} == set(range(count))
    assert method.outputs() == count
    for pair in found:
        down, right = offset(pair)
        assert 16.5 - 1 <= math.hypot(down, right) <= 22 + 1
        wrong = (math.degrees(math.atan2(down, right)) - 45 * pair.target + 180) % 360 - 180
        assert abs(wrong) < 4
        assert all(16 <= place <= 111 for place in pair.first)


def test_doersch_as_published_gives_one_direction_two_names() -> None:
    of: dict[int, list[tuple[int, int]]] = {}
    for pair in pairs(make("doersch", patch=11, crop=128, directions="published")):
        of.setdefault(pair.target, []).append(offset(pair))
    for name in (0, 8):
        assert of[name]
        # Cutting off fractions may take a pixel from either.
        assert all(-1 <= down <= 0 and right > 0 for down, right in of[name])


@pytest.mark.parametrize(("neighbours", "steps"), [("published", 4), ("corrected", 8)])
def test_isola_is_given_neighbours_half_of_the_time(neighbours: str, steps: int) -> None:
    found = pairs(make("isola", patch=11, crop=128, neighbours=neighbours))
    adjacent = {offset(pair) for pair in found if pair.target == 1}
    expected = {(down, right) for down in (-11, 0, 11) for right in (-11, 0, 11)} - {(0, 0)}
    if neighbours == "published":
        expected = {(down, right) for down, right in expected if down and right}
    assert adjacent == expected
    assert len(expected) == steps
    assert 0.4 < np.mean([pair.target for pair in found]) < 0.6
    distances = [math.hypot(*offset(pair)) for pair in found if pair.target == 0]
    assert min(distances) >= 21
    assert max(distances) > 60


def test_isola_keeps_the_first_window_inside_and_so_the_second_nearer() -> None:
    """Protocol 9: rows 16 to 111 of 128, and non-adjacent pairs 51.4 pixels apart on average."""
    found = pairs(make("isola", patch=11, crop=128), count=6000)
    rows = [pair.first[0] for pair in found]
    assert (min(rows), max(rows)) == (16, 111)
    distances = [math.hypot(*offset(pair)) for pair in found if pair.target == 0]
    assert np.mean(distances) == pytest.approx(51.4, abs=1.5)


def test_doersch_draws_direction_and_place_together() -> None:
    """Both diagonal parts of a diagonal offset are shorter than a straight one, so more places fit it."""
    found = pairs(make("doersch", patch=11, crop=48), size=48, count=2000)
    counts = np.bincount([pair.target for pair in found], minlength=8)
    assert counts[1::2].sum() > 1.2 * counts[::2].sum()


def network_input_of(method: PairMethod, images: torch.Tensor) -> torch.Tensor:
    seen: list[torch.Tensor] = []
    method.network.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    method.losses(replace(batch(), images=images), torch.Generator().manual_seed(0))
    return seen[0]


def test_doersch_drops_colours_and_keeps_the_sobel_channels_of_the_whole_image() -> None:
    """Protocol 9: the loader appends grey before colours are dropped, and Sobel reads grey."""
    plain: dict[str, Any] = {"flip": False, "brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "hue": 0.0}
    images = batch().images
    dropping = network_input_of(make("doersch", **plain), images)
    whole = network_input_of(make("doersch", color_dropping=False, **plain), images)
    assert torch.equal(dropping[:, 3:], whole[:, 3:])
    assert ((dropping[:, :3] == whole[:, :3]).flatten(2).all(dim=2).sum(dim=1) == 1).all()


def test_dropping_keeps_one_colour_of_every_image_and_infrared() -> None:
    images = torch.rand(60, 4, 16, 16)
    generator = torch.Generator().manual_seed(0)
    kept = torch.randint(3, (60,), generator=generator)
    changed = dropped(images, kept, torch.randn(60, 3, 16, 16, generator=generator))
    same = (changed[:, :3] == images[:, :3]).flatten(2).all(dim=2)
    assert (same.sum(dim=1) == 1).all()
    assert same.any(dim=0).all()
    assert torch.equal(changed[:, 3], images[:, 3])
    noise = changed[:, :3][~same].flatten(1)
    assert float(noise.std(dim=1).max()) < 0.01
    assert float((noise.mean(dim=1) - 0.5).abs().max()) < 0.05


@both
def test_an_image_counts_where_the_mask_is_on_at_either_centre(name: str) -> None:
    method = make(name, flip=False, training_mask=True, brightness=0.0, contrast=0.0, saturation=0.0, hue=0.0)
    assert type(method).label_use(method.parameters) == "mask"
    assert type(method).label_use(make(name).parameters) is None
    fixed = Pair((8, 8), (8, 20), 1)
    method.place = lambda size, generator: fixed  # type: ignore[method-assign]
    method.judge = lambda outputs, target: torch.tensor([1.0, 2.0, 4.0, 8.0])  # type: ignore[method-assign]
    mask = torch.zeros(4, 32, 32, dtype=torch.bool)
    mask[0, 8, 8] = mask[2, 8, 20] = True
    loss = method.losses(replace(batch(), mask=mask), torch.Generator())["loss"]
    assert float(loss) == 2.5
    nothing = method.losses(replace(batch(), mask=torch.zeros_like(mask)), torch.Generator())["loss"]
    assert float(nothing) == 0.0


@both
def test_a_few_steps_on_a_fixed_pair_lower_the_loss(name: str) -> None:
    method = make(name, lr=1e-3)
    fixed = Pair((8, 8), (8, 20), 1)
    method.place = lambda size, generator: fixed  # type: ignore[method-assign]
    losses = [float(method._train_step(batch())["loss"]) for _ in range(20)]
    assert losses[-1] < losses[0]


@both
def test_clusters_are_found_anew_for_every_state_and_nothing_else_changes(name: str, tmp_path: Path) -> None:
    store = Store(write_store(tmp_path / "mini.h5"))
    train = TrainImages(store.arrays(labels=False), store.view("mini").train, crop=32, seed=0, device=CPU)
    method = make(name)
    before = {key: value.clone() for key, value in method.network.state_dict().items()}
    method.before_evaluation(train)
    assert all(torch.equal(value, before[key]) for key, value in method.network.state_dict().items())
    untrained = method.centres
    method._train_step(batch())
    method.step += 1
    method.before_evaluation(train)
    assert untrained is not None
    assert method.centres is not None
    assert not torch.equal(untrained, method.centres)


def mini(tmp_path: Path, scored: list[int]) -> TrainImages:
    store = Store(write_store(tmp_path / "mini.h5"))
    numbers = np.array(scored, dtype=np.int64)
    view = store.view("mini")
    return TrainImages(store.arrays(labels=False), view.train, crop=32, seed=0, device=CPU, scored=numbers)


def sample_of(method: PairMethod, train: TrainImages, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    samples: list[np.ndarray] = []

    def centres(sample: np.ndarray, clusters: int, *, seed: int) -> torch.Tensor:
        samples.append(sample)
        return torch.from_numpy(sample[:clusters])

    monkeypatch.setattr("infoseg_bench.baselines.pairs.pair_method.kmeans_centres", centres)
    method.before_evaluation(train)
    return samples[0]


@both
def test_as_published_clusters_are_fitted_on_one_vector_per_batch_of_scored_centre_crops(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = mini(tmp_path, [6, 0, 3, 1, 4, 7])
    method = make(name, batch=2, cluster_sampling="published", cluster_pixels=60)
    sample = sample_of(method, train, monkeypatch)
    assert len(sample) == 60
    distinct = [np.unique(part, axis=0) for part in np.split(sample, 3)]
    assert [len(part) for part in distinct] == [1, 1, 1]
    crops = torch.cat([batch.images for batch in train.centre_batches(2)])
    features = torch.nn.functional.interpolate(
        method._features(crops), size=(32, 32), mode="bilinear", align_corners=False
    )
    for number, vector in enumerate(distinct):
        of_batch = features[2 * number : 2 * number + 2].permute(0, 2, 3, 1).flatten(0, 2)
        assert torch.cdist(torch.from_numpy(vector), of_batch).min() < 1e-3


@both
@pytest.mark.parametrize(
    ("dataset", "scored", "distinct"),
    [
        ("coco-stuff", 51_804, 864),
        ("coco-stuff-3", 36_660, 306),
        ("potsdam", 5400, 90),
        ("potsdam-3", 5400, 72),
    ],
)
def test_as_published_there_are_as_many_distinct_vectors_as_batches(
    name: str, dataset: str, scored: int, distinct: int
) -> None:
    """Protocol 9, from the batches of the presets."""
    chosen = METHODS[name].resolve(dataset, {"cluster_sampling": "published"}).model_dump()
    assert -(-scored // chosen["batch"]) == distinct


@both
def test_corrected_clusters_are_fitted_on_different_pixels_of_training_crops(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = sample_of(make(name, cluster_pixels=160), mini(tmp_path, [0]), monkeypatch)
    assert len(sample) == 160
    assert len(np.unique(sample, axis=0)) > 120


@both
def test_the_published_fault_needs_as_many_batches_as_clusters_and_says_so(name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="fewer than 3 distinct values"):
        make(name, cluster_sampling="published").before_evaluation(mini(tmp_path, [0, 1, 2, 3, 4, 5, 6, 7]))


@both
def test_asking_before_clusters_were_found_is_an_error(name: str) -> None:
    with pytest.raises(RuntimeError, match="before the features were clustered"):
        make(name).predict(torch.rand(1, 3, 32, 32))


@both
def test_crops_without_room_for_two_windows_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match=r"patch=11.* 44 pixels, but the crop is 32"):
        make(name, patch=11)


@both
def test_potsdam_has_no_sobel_and_weak_jitter(name: str) -> None:
    values = METHODS[name].resolve("potsdam", {}).model_dump()
    assert (values["sobel"], values["hue"], values["patch"]) == (False, 0.1, 11)
