from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from infoseg_bench.baselines.iic import IIC, IICParameters
from infoseg_bench.contracts import RunContext, Task
from infoseg_bench.data.store import Store
from infoseg_bench.data.train_images import TrainBatch, TrainImages
from infoseg_bench.errors import UsageError
from tests.data.miniature import write_store

CPU = torch.device("cpu")
SMALL: dict[str, Any] = {"width": 2, "batch": 4, "radius": 2}
PLAIN: dict[str, Any] = {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "hue": 0.0}


def make(dataset: str = "mini", clusters: int = 3, channels: int = 3, **parameters: Any) -> IIC:
    chosen = IIC.resolve(dataset, {**SMALL, **parameters})
    assert isinstance(chosen, IICParameters)
    task = Task(dataset=dataset, channels=channels, crop=32, clusters=clusters)
    return IIC(chosen, task, RunContext(seed=0, device=CPU, steps=6))


def batch(count: int = 4, channels: int = 3) -> TrainBatch:
    pixels = torch.rand(count, channels, 32, 32, generator=torch.Generator().manual_seed(1))
    return TrainBatch(images=pixels, inside=torch.ones(count, 32, 32, dtype=torch.bool), mask=None)


def loss(method: IIC, of: TrainBatch) -> float:
    return float(method.losses(of, torch.Generator().manual_seed(0))["loss"].detach())


def clusters_of(method: IIC) -> tuple[int, int]:
    return method.network.head_a.project.out_channels, method.network.head_b.project.out_channels


@pytest.mark.parametrize(
    ("dataset", "K", "expected"),
    [
        ("coco-stuff", 15, {"batch": 60, "lr": 1e-4, "lamb_a": 1.0, "lamb_b": 1.0, "radius": 10, "A": 45}),
        ("coco-stuff-3", 3, {"batch": 120, "lr": 1e-4, "lamb_a": 1.0, "lamb_b": 1.5, "radius": 10, "A": 15}),
        ("potsdam", 6, {"batch": 60, "lr": 1e-6, "lamb_a": 1.0, "lamb_b": 1.0, "radius": 5, "A": 36}),
        ("potsdam-3", 3, {"batch": 75, "lr": 1e-5, "lamb_a": 1.0, "lamb_b": 1.5, "radius": 10, "A": 24}),
    ],
)
def test_the_published_settings_are_there_for_every_data_set(
    dataset: str, K: int, expected: dict[str, Any]
) -> None:
    parameters = IIC.resolve(dataset, {"width": 2})
    values = parameters.model_dump()
    assert {name: values[name] for name in expected if name != "A"} == {
        name: value for name, value in expected.items() if name != "A"
    }
    on_potsdam = dataset.startswith("potsdam")
    assert values["sobel"] is not on_potsdam
    assert values["hue"] == (0.1 if on_potsdam else 0.125)
    channels = 4 if on_potsdam else 3
    assert clusters_of(make(dataset, K, channels)) == (expected["A"], K)


def test_a_pass_trains_one_head_and_the_next_pass_the_other(tmp_path: Path) -> None:
    """Eight photos at four a step make passes of two steps."""
    store = Store(write_store(tmp_path / "mini.h5"))
    train = TrainImages(store.arrays(labels=False), store.view("mini").train, crop=32, seed=0, device=CPU)
    steps = -(-len(train) // SMALL["batch"])
    for passes, expected in (("a-b", "ab"), ("b-a", "ba")):
        method = make(passes=passes)
        trained = [progress.scalars.keys() - {"loss"} for progress in method.fit(train)]
        order = [expected[step * SMALL["batch"] // len(train) % 2] for step in range(6)]
        assert [names.pop().removeprefix("loss_") for names in trained] == order
        assert order[0] != order[steps]


def test_a_step_moves_the_trunk_and_its_own_head_alone() -> None:
    method = make()
    before = {name: value.clone() for name, value in method.network.state_dict().items()}
    method._train_step(batch())
    moved = {
        name.partition(".")[0]
        for name, value in method.network.state_dict().items()
        if not torch.equal(value, before[name])
    }
    assert moved == {"trunk", "head_a"}


def head_b_after(steps: int, *, resume_at: int | None = None, **parameters: Any) -> list[torch.Tensor]:
    """Train head A, then head B, then A again, with passes of two steps, and return B's weights."""
    method = make(lr=1e-2, **parameters)
    method._photos = 2 * SMALL["batch"]
    weights = []
    for step in range(steps):
        if step == resume_at:
            state = method.state()
            method = make(lr=1e-2, **parameters)
            method._photos = 2 * SMALL["batch"]
            method.load_state(state)
        method._train_step(batch())
        method.step += 1
        weights.append(method.network.head_b.project.weight.detach().clone())
    return weights


def test_as_published_the_idle_head_runs_on_by_its_momentum() -> None:
    """Protocol 3.2: one optimiser for both heads; before its first turn a head has no momentum."""
    published, corrected = head_b_after(6, idle_head="published"), head_b_after(6)
    assert torch.equal(published[0], published[1])
    assert torch.equal(published[3], corrected[3])
    assert torch.equal(corrected[3], corrected[5])
    assert not torch.equal(published[3], published[4])
    assert not torch.equal(published[4], published[5])


def test_an_idle_head_runs_on_after_a_resume_too() -> None:
    whole = head_b_after(6, idle_head="published")
    resumed = head_b_after(6, resume_at=4, idle_head="published")
    assert torch.equal(whole[5], resumed[5])


def test_without_jitter_a_symmetric_network_sees_the_same_with_and_without_mirroring() -> None:
    """The copy's map is mirrored back: with 1x1 kernels nothing else could tell."""
    losses = []
    for flip in (False, True):
        method = make(flip=flip, sobel=False, padding="corrected", **PLAIN)
        centre = torch.zeros(3, 3)
        centre[1, 1] = 1
        for layer in method.network.trunk.modules():
            if isinstance(layer, torch.nn.Conv2d):
                layer.weight.data.mul_(centre)
        losses.append(loss(method, batch()))
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_the_mask_is_declared_and_masked_pixels_have_no_part_in_the_loss() -> None:
    method = make(training_mask=True)
    assert IIC.label_use(method.parameters) == "mask"
    assert IIC.label_use(make().parameters) is None
    mask = torch.zeros(4, 32, 32, dtype=torch.bool)
    mask[:, 4:20] = True
    masked = replace(batch(), mask=mask)
    assert loss(method, masked) != loss(method, batch())
    assert loss(method, masked) == loss(method, replace(batch(), inside=mask))


@pytest.mark.parametrize(
    "switch",
    [{"padding": "published"}, {"channel_order": "published"}, {"collapsed": True}, {"lamb_a": 1.5}],
)
def test_every_switch_changes_the_loss(switch: dict[str, Any]) -> None:
    assert loss(make(**switch), batch()) != loss(make(), batch())


def test_the_published_channel_order_is_that_of_photos_with_red_and_blue_exchanged() -> None:
    exchanged = replace(batch(), images=batch().images[:, [2, 1, 0]])
    assert loss(make(channel_order="published"), batch()) == loss(make(), exchanged)
    images = batch().images
    published = make(channel_order="published").predict(images)
    assert torch.equal(published, make().predict(images[:, [2, 1, 0]]))


def test_images_with_infrared_are_no_photos_whose_channels_were_swapped() -> None:
    losses = [
        loss(make("potsdam", channels=4, channel_order=order), batch(channels=4))
        for order in ("published", "corrected")
    ]
    assert losses[0] == losses[1]


def test_the_loss_is_computed_in_float32_under_mixed_precision() -> None:
    method = make()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        losses = method.losses(batch(), torch.Generator().manual_seed(0))
    assert losses["loss"].dtype == torch.float32
    assert float(losses["loss"].detach()) == pytest.approx(loss(make(), batch()), abs=0.02)


def test_a_few_steps_on_a_fixed_batch_raise_the_information() -> None:
    method = make(lr=1e-2, width=4)
    losses = [float(method._train_step(batch())["loss"]) for _ in range(25)]
    assert losses[-1] < losses[0] - 0.1


def test_a_radius_beyond_the_crop_is_named() -> None:
    with pytest.raises(UsageError, match="radius=32"):
        make(radius=32)
