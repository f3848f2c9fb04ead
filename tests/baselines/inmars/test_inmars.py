from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch

from infoseg_bench.baselines.inmars.adversary import root_mean_square, scaled, untracked
from infoseg_bench.baselines.inmars.inmars import InMARS, InMARSParameters
from infoseg_bench.baselines.inmars.regions import RegionPooling
from infoseg_bench.baselines.inmars.superpixels import Superpixels
from infoseg_bench.baselines.inmars.warp import smooth_flow, warp
from infoseg_bench.contracts import RunContext, Task
from infoseg_bench.data.train_images import TrainBatch
from infoseg_bench.information.assignment import divergence

STEPS = 10
SMALL = {"width": 3, "batch": 4, "adversary_start": 0}


def make(**parameters: Any) -> InMARS:
    chosen = InMARS.resolve("mini", {**SMALL, **parameters})
    assert isinstance(chosen, InMARSParameters)
    task = Task(dataset="mini", channels=3, crop=32, clusters=3)
    return InMARS(chosen, task, RunContext(seed=0, device=torch.device("cpu"), steps=STEPS))


def batch(count: int = 4) -> TrainBatch:
    """Smooth random images, in squares for superpixels."""
    coarse = torch.rand(count, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    squares = torch.arange(32)[:, None] // 4 * 8 + torch.arange(32) // 4
    return TrainBatch(
        images=torch.nn.functional.interpolate(coarse, size=(32, 32), mode="bilinear"),
        inside=torch.ones(count, 32, 32, dtype=torch.bool),
        mask=None,
        maps={"superpixels": squares.expand(count, 32, 32).contiguous()},
    )


def trained(steps: int = 15) -> InMARS:
    method = make(lr=1e-2, photometric_weight=0, geometric_weight=0)
    for _ in range(steps):
        method._train_step(batch())
    return method


def attacks(method: InMARS, seed: int) -> dict[str, float]:
    of, generator = batch(), torch.Generator().manual_seed(seed)
    predicted, regions = method._probabilities(of.images).detach(), of.maps["superpixels"]
    points = method.parameters.geometric_points
    shapes = {"photometric": of.images.shape, "geometric": (4, 2, points, points)}
    starts = {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}
    return {
        name: float(attack(of.images, predicted, regions, starts[name]).detach())
        for name, _, attack in method._attacks()
    }


@torch.no_grad()
def at_random(method: InMARS, seed: int) -> dict[str, float]:
    """Return the divergences under random perturbations of the size of the adversaries'."""
    of, generator, chosen = batch(), torch.Generator().manual_seed(seed), method.parameters
    predicted, regions = method._probabilities(of.images), of.maps["superpixels"]
    change = torch.randn(of.images.shape, generator=generator)
    change = scaled(change, chosen.photometric_radius, root_mean_square)
    points = chosen.geometric_points
    flow = smooth_flow(torch.randn(4, 2, points, points, generator=generator), (32, 32))
    flow = scaled(flow, chosen.geometric_radius, root_mean_square)
    moved = warp(regions[:, None].float() + 1, flow, mode="nearest", outside="zeros")[:, 0].long() - 1
    pool, pool_moved = RegionPooling(regions), RegionPooling(moved)
    changed, warped = method._probabilities(of.images + change), method._probabilities(warp(of.images, flow))
    return {
        "photometric": float(divergence(pool(predicted), pool(changed), pool.share)),
        "geometric": float(
            divergence(pool_moved(warp(predicted, flow)), pool_moved(warped), pool_moved.share)
        ),
    }


@pytest.mark.parametrize("name", ["photometric", "geometric"])
def test_each_adversary_raises_the_divergence_more_than_random_perturbations_of_its_size(name: str) -> None:
    method = trained()
    with untracked(method.network):
        adversarial = [attacks(method, seed)[name] for seed in range(5)]
        random = [at_random(method, seed)[name] for seed in range(20)]
    assert min(adversarial) > max(random)
    assert sum(adversarial) / len(adversarial) > 1.5 * sum(random) / len(random)


@pytest.mark.parametrize("name", ["photometric", "geometric"])
def test_training_against_an_adversary_makes_the_network_steady(name: str) -> None:
    method = trained()
    before = attacks(method, 0)[name]
    method.parameters = method.parameters.model_copy(update={f"{name}_weight": 5.0})
    for _ in range(15):
        method._train_step(batch())
    assert attacks(method, 0)[name] < before


def test_the_information_of_superpixels_rises_towards_log_k() -> None:
    method, of = make(lr=1e-2, photometric_weight=0, geometric_weight=0), batch()
    loss = [float(method._train_step(of)["loss"]) for _ in range(40)]
    assert -math.log(3) - 1e-5 <= loss[-1] < loss[0] - 0.05


def test_adversaries_join_where_their_share_of_the_budget_begins() -> None:
    method, seen = make(adversary_start=0.5), []
    for step in range(STEPS):
        method.step = step
        seen.append("geometric" in method.losses(batch(), torch.Generator().manual_seed(0)))
    assert seen == [False] * 5 + [True] * 5


@pytest.mark.parametrize("name", ["photometric", "geometric"])
def test_an_adversary_of_no_weight_is_not_computed(name: str) -> None:
    losses = make(**{f"{name}_weight": 0}).losses(batch(), torch.Generator().manual_seed(0))
    assert {"photometric", "geometric"} - set(losses) == {name}


@pytest.mark.parametrize("sobel", [True, False])
@pytest.mark.parametrize("padding", ["published", "corrected"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_every_choice_trains_a_step_to_a_finite_float32_loss(
    sobel: bool, padding: str, precision: str
) -> None:
    method = make(sobel=sobel, padding=padding, precision=precision)
    with method.autocast():
        losses = method.losses(batch(), torch.Generator().manual_seed(0))
    losses["loss"].backward()  # type: ignore[no-untyped-call]
    assert all(value.isfinite() and value.dtype == torch.float32 for value in losses.values())
    for name, weight in method.network.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.isfinite().all(), name


def test_the_mask_is_declared_and_takes_pixels_out_of_their_superpixels() -> None:
    method = make(training_mask=True)
    assert InMARS.label_use(method.parameters) == "mask"
    assert InMARS.label_use(make().parameters) is None
    mask = torch.ones(4, 32, 32, dtype=torch.bool)
    mask[:, :, 16:] = False
    outside = {"superpixels": batch().maps["superpixels"].masked_fill(~mask, -1)}
    losses = [
        float(method.losses(of, torch.Generator().manual_seed(0))["loss"].detach())
        for of in (replace(batch(), mask=mask), replace(batch(), maps=outside), batch())
    ]
    assert losses[0] == losses[1]
    assert losses[0] != losses[2]


def test_superpixels_are_asked_for_with_the_parameters_settings() -> None:
    (wanted,) = InMARS.photo_maps(InMARS.resolve("mini", {"segments": 50, "compactness": 3}))
    assert wanted == Superpixels(segments=50, compactness=3)


def test_searching_for_perturbations_leaves_the_running_statistics_alone() -> None:
    plain, attacked = make(photometric_weight=0, geometric_weight=0), make()
    for method in (plain, attacked):
        method.network.train()
        method.losses(batch(), torch.Generator().manual_seed(0))
    for name, value in plain.network.named_buffers():
        if "num_batches" not in name:
            assert torch.equal(value, dict(attacked.network.named_buffers())[name]), name


def test_the_board_says_that_it_is_made_from_the_abstract() -> None:
    assert InMARS.title == "InMARS (re-implementation from the abstract)"
    assert InMARS.__doc__ is not None
    assert InMARS.title in InMARS.__doc__
