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
        assert all(down == 0 and right > 0 for down, right in of[name])


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


def test_dropping_keeps_one_colour_of_every_image_and_infrared() -> None:
    images = torch.rand(60, 4, 16, 16)
    changed = dropped(images, torch.Generator().manual_seed(0))
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


@both
def test_the_published_fault_needs_as_many_batches_as_clusters_and_says_so(name: str, tmp_path: Path) -> None:
    store = Store(write_store(tmp_path / "mini.h5"))
    train = TrainImages(store.arrays(labels=False), store.view("mini").train, crop=32, seed=0, device=CPU)
    with pytest.raises(UserError, match="fewer than 3 distinct values"):
        make(name, cluster_sampling="published", cluster_images=4).before_evaluation(train)


@both
def test_asking_before_clusters_were_found_is_an_error(name: str) -> None:
    with pytest.raises(RuntimeError, match="before its features were clustered"):
        make(name).predict(torch.rand(1, 3, 32, 32))


@both
def test_crops_without_room_for_two_windows_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match=r"patch=11.* 44 pixels, and these have 32"):
        make(name, patch=11)


@both
def test_potsdam_has_no_sobel_and_weak_jitter(name: str) -> None:
    values = METHODS[name].resolve("potsdam", {}).model_dump()
    assert (values["sobel"], values["hue"], values["patch"]) == (False, 0.1, 11)
