from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch

from infoseg_bench.baselines.ac.ac import AC, ACParameters, draw_orderings
from infoseg_bench.baselines.ac.raster_scan import ORDERINGS
from infoseg_bench.contracts import RunContext, Task
from infoseg_bench.data.train_images import TrainBatch
from infoseg_bench.errors import UsageError

SMALL = {"width": 2, "blocks": 2, "batch": 4, "radius": 2}


def make(crop: int = 32, dataset: str = "mini", **parameters: Any) -> AC:
    chosen = AC.resolve(dataset, {**SMALL, **parameters})
    assert isinstance(chosen, ACParameters)
    task = Task(dataset=dataset, channels=3, crop=crop, clusters=3)
    return AC(chosen, task, RunContext(seed=0, device=torch.device("cpu"), steps=10))


def batch(crop: int = 32) -> TrainBatch:
    pixels = torch.rand(4, 3, crop, crop, generator=torch.Generator().manual_seed(1))
    pixels[:, :, : crop // 2] *= 0.3
    return TrainBatch(images=pixels, inside=torch.ones(4, crop, crop, dtype=torch.bool), mask=None)


def losses(method: AC, of: TrainBatch | None = None) -> dict[str, float]:
    computed = method.losses(of or batch(), torch.Generator().manual_seed(0))
    return {name: float(value.detach()) for name, value in computed.items()}


@pytest.mark.parametrize("stride", [2, 4])
@pytest.mark.parametrize("compare", ["image", "grid"])
@pytest.mark.parametrize("attention", [0, 4])
@pytest.mark.parametrize(
    ("precision", "block", "masking"),
    [
        ("float32", "reference", "shift"),
        ("bfloat16", "reference", "kernel"),
        ("float32", "after-sum", "shift"),
    ],
)
def test_every_choice_trains_a_step_to_an_information_between_zero_and_log_k(
    stride: int, compare: str, attention: int, precision: str, block: str, masking: str
) -> None:
    method = make(
        stride=stride,
        compare=compare,
        attention=attention,
        precision=precision,
        block=block,
        masking=masking,
        arl_weight=0.5,
    )
    with method.autocast():
        computed = method.losses(batch(), torch.Generator().manual_seed(0))
    computed["loss"].backward()  # type: ignore[no-untyped-call]
    assert computed["loss"].dtype == torch.float32
    assert -1e-6 <= float(computed["information"].detach()) <= math.log(3) + 1e-6
    for name, weight in method.network.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.isfinite().all(), name


def test_training_raises_the_information_between_two_orderings() -> None:
    method = make(lr=1e-2)
    informations = [float(method._train_step(batch())["information"]) for _ in range(40)]
    assert informations[-1] > informations[0] + 0.1


def test_arl_alone_raises_the_agreement_of_neighbouring_places() -> None:
    method = make(lr=1e-2, arl_weight=1.0)
    agreements = [float(method._train_step(batch())["arl"]) for _ in range(20)]
    assert agreements[-1] > agreements[0] + 0.1
    assert "vectors" not in make().network


def test_predictions_see_all_around() -> None:
    method = make(lr=1e-2)
    for _ in range(20):
        method._train_step(batch())
    pixels = batch().images[:1]
    before = method.predict(pixels)
    for cut in ((slice(0, 12), slice(None)), (slice(20, None), slice(None))):
        changed = pixels.clone()
        changed[..., cut[0], cut[1]] = 1 - changed[..., cut[0], cut[1]]
        assert not torch.equal(method.predict(changed), before)


@pytest.mark.parametrize("compare", ["image", "grid"])
def test_padding_and_masked_pixels_are_left_out_of_the_loss(compare: str) -> None:
    method = make(compare=compare, training_mask=True)
    part = torch.ones(4, 32, 32, dtype=torch.bool)
    part[:, :, 16:] = False
    assert losses(method, replace(batch(), inside=part)) == losses(method, replace(batch(), mask=part))
    assert losses(method, replace(batch(), mask=part)) != losses(method)
    assert AC.label_use(method.parameters) == "mask"
    assert AC.label_use(make().parameters) is None


def test_policies_draw_what_they_say_and_every_ordering() -> None:
    generator = torch.Generator().manual_seed(0)
    drawn = {
        policy: [draw_orderings(policy, generator) for _ in range(200)]
        for policy in ("distinct", "independent", "opposite")
    }
    for pairs in drawn.values():
        assert {first for first, _ in pairs} == set(ORDERINGS)
    assert all(first != second for first, second in drawn["distinct"])
    assert any(first == second for first, second in drawn["independent"])
    assert all(second == first.opposite for first, second in drawn["opposite"])


@pytest.mark.parametrize(
    ("dataset", "lr", "size"),
    [("coco-stuff", 6e-6, 30), ("coco-stuff-3", 4e-5, 30), ("potsdam", 1e-6, 20), ("potsdam-3", 1e-6, 20)],
)
def test_presets_are_those_of_the_unofficial_code(dataset: str, lr: float, size: int) -> None:
    chosen = AC.resolve(dataset, {})
    assert isinstance(chosen, ACParameters)
    assert (chosen.lr, chosen.batch, chosen.stride) == (lr, size, 4)


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"stride": 3}, "ac.stride=3"),
        ({"radius": 32}, "radius=32"),
        ({"attention": 4, "blocks": 1}, "blocks=1"),
        ({"orderings": "random"}, "ac.orderings='random'"),
    ],
)
def test_what_cannot_be_is_named_with_its_value(parameters: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        make(**parameters)


def test_a_crop_that_the_stride_does_not_divide_is_refused() -> None:
    with pytest.raises(UsageError, match="30"):
        make(crop=30)
