"""InMARS trained against its adversaries by the project and by a transcription of protocol 3.5."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from infoseg_bench.baselines.inmars.inmars import InMARS, InMARSParameters
from infoseg_bench.contracts import RunContext, Task
from infoseg_bench.data.train_images import TrainBatch
from tests.witness.adam import Weights, assert_same, train

STEPS, BATCH, SIDE, K, LR = 50, 2, 16, 3, 1e-3
COLOUR, FLOW, PROBE, POINTS = 0.05, 1.3, 0.1, 4


def draw(*shape: int, seed: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def images(step: int) -> Tensor:
    return draw(BATCH, 3, SIDE, SIDE, seed=step % 2)


def regions() -> Tensor:
    """Return superpixels: squares of four pixels, numbered from 0, and some pixels of none."""
    rows = torch.arange(SIDE) // 4
    found = (4 * rows[:, None] + rows).repeat(BATCH, 1, 1)
    found[:, :2, :2] = -1
    return found


class Tiny(nn.Module):
    """One convolution to K clusters: the adversaries are in question, not the network."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(2 * draw(K, 3, 3, 3, seed=30) - 1)

    def forward(self, pixels: Tensor) -> Tensor:
        return F.conv2d(pixels, self.weight, padding=1).softmax(dim=1)


class OfTiny(InMARS):
    def build(self) -> nn.Module:
        return Tiny()

    def _probabilities(self, images: Tensor) -> Tensor:
        found: Tensor = self.network(images)
        return found


def probabilities(weights: Weights, pixels: Tensor) -> Tensor:
    odds = torch.exp(F.conv2d(pixels, weights["weight"], padding=1))
    return odds / odds.sum(dim=1, keepdim=True)


def means(maps: Tensor, numbers: Tensor) -> list[Tensor]:
    """Return the mean of every superpixel of every image."""
    return [
        maps[image][:, numbers[image] == number].mean(dim=1)
        for image in range(BATCH)
        for number in sorted(set(numbers[image].flatten().tolist()))
        if number >= 0
    ]


def divergence(clean: list[Tensor], changed: list[Tensor]) -> Tensor:
    each = [(p * (p.log() - q.log())).sum() for p, q in zip(clean, changed, strict=True)]
    return torch.stack(each).mean()


def sized(change: Tensor, size: Tensor, radius: float) -> Tensor:
    return change * (radius / size).view(-1, *[1] * (change.ndim - 1))


def rms(values: Tensor) -> Tensor:
    return values.flatten(1).pow(2).mean(dim=1).sqrt()


def flow_of(control: Tensor) -> Tensor:
    return F.interpolate(control, size=(SIDE, SIDE), mode="bicubic", align_corners=True)


def moved_by(maps: Tensor, flow: Tensor) -> Tensor:
    """Read maps bilinearly where the flow points, along columns first; beyond the border is the border."""
    rows = (torch.arange(SIDE)[:, None] + flow[:, 1]).clamp(0, SIDE - 1)
    columns = (torch.arange(SIDE) + flow[:, 0]).clamp(0, SIDE - 1)
    top, left = rows.detach().floor().long(), columns.detach().floor().long()
    bottom, right = (top + 1).clamp(max=SIDE - 1), (left + 1).clamp(max=SIDE - 1)
    down, across = (rows - top)[:, None], (columns - left)[:, None]
    image = torch.arange(BATCH)[:, None, None]

    def at(row: Tensor, column: Tensor) -> Tensor:
        return maps[image, :, row, column].movedim(-1, 1)

    upper = at(top, left) * (1 - across) + at(top, right) * across
    lower = at(bottom, left) * (1 - across) + at(bottom, right) * across
    return upper * (1 - down) + lower * down


def regions_moved_by(flow: Tensor) -> Tensor:
    """Read the nearest pixel's superpixel; beyond the border is none."""
    rows = torch.round(torch.arange(SIDE)[:, None] + flow[:, 1]).long()
    columns = torch.round(torch.arange(SIDE) + flow[:, 0]).long()
    inside = (rows >= 0) & (rows < SIDE) & (columns >= 0) & (columns < SIDE)
    image = torch.arange(BATCH)[:, None, None]
    found = regions()[image, rows.clamp(0, SIDE - 1), columns.clamp(0, SIDE - 1)]
    return torch.where(inside, found, torch.full_like(found, -1))


def photometric(weights: Weights, pixels: Tensor, start: Tensor) -> Tensor:
    clean = means(probabilities(weights, pixels).detach(), regions())

    def far(change: Tensor) -> Tensor:
        return divergence(clean, means(probabilities(weights, pixels + change), regions()))

    probe = sized(start, rms(start), PROBE * COLOUR).requires_grad_()
    (gradient,) = torch.autograd.grad(far(probe), [probe])
    return far(sized(gradient, rms(gradient), COLOUR).detach())


def geometric(weights: Weights, pixels: Tensor, start: Tensor) -> Tensor:
    predicted = probabilities(weights, pixels).detach()

    def far(control: Tensor) -> Tensor:
        flow = flow_of(control)
        numbers = regions_moved_by(flow.detach())
        clean = means(moved_by(predicted, flow), numbers)
        return divergence(clean, means(probabilities(weights, moved_by(pixels, flow)), numbers))

    probe = sized(start, rms(flow_of(start)), PROBE * FLOW).requires_grad_()
    (gradient,) = torch.autograd.grad(far(probe), [probe])
    return far(sized(gradient, rms(flow_of(gradient)), FLOW).detach())


@pytest.mark.parametrize("adversary", ["photometric", "geometric"])
def test_training_against_an_adversary_ends_at_the_weights_of_its_transcription(
    monkeypatch: pytest.MonkeyPatch, adversary: str
) -> None:
    other = "geometric" if adversary == "photometric" else "photometric"
    values: dict[str, Any] = {
        "batch": BATCH,
        "lr": LR,
        "adversary_start": 0.0,
        "marginal_weight": 0.0,
        "conditional_weight": 0.0,
        "photometric_radius": COLOUR,
        "geometric_radius": FLOW,
        "geometric_points": POINTS,
        "probe": PROBE,
        f"{other}_weight": 0.0,
    }
    task = Task(dataset="tiny", channels=3, crop=SIDE, clusters=K)
    parameters = InMARSParameters.parse(values, "inmars")
    method = OfTiny(parameters, task, RunContext(seed=0, device=torch.device("cpu"), steps=STEPS))
    begun = {name: value.detach().clone() for name, value in method.network.named_parameters()}
    shape = (BATCH, 3, SIDE, SIDE) if adversary == "photometric" else (BATCH, 2, POINTS, POINTS)

    def start(step: int) -> Tensor:
        return draw(*shape, seed=100 + step) - 0.5

    monkeypatch.setattr(
        "infoseg_bench.baselines.inmars.inmars.torch.randn", lambda *shape, **rest: start(method.step)
    )
    inside = torch.ones(BATCH, SIDE, SIDE, dtype=torch.bool)
    for step in range(STEPS):
        pixels = images(step)
        method._train_step(
            TrainBatch(images=pixels, inside=inside, mask=None, maps={"superpixels": regions()})
        )
        method.step += 1

    def loss(weights: Weights, step: int) -> Tensor:
        attack = photometric if adversary == "photometric" else geometric
        return attack(weights, images(step), start(step))

    found = {name: value.detach() for name, value in method.network.named_parameters()}
    assert_same(found, train(begun, loss, steps=STEPS, lr=LR), begun)
