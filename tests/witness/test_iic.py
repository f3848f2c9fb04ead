"""IIC trained by the project and by a transcription of protocol 3.2."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from infoseg_bench.baselines.iic import IIC, IICParameters
from infoseg_bench.contracts import RunContext, Task
from infoseg_bench.data.train_images import TrainBatch
from infoseg_bench.images.color_jitter import ColorJitter
from tests.witness.adam import Weights, assert_same, train

STEPS, BATCH, SIDE, PHOTOS = 50, 4, 20, 8


def draw(*shape: int, seed: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def images(step: int) -> Tensor:
    return draw(BATCH, 3, SIDE, SIDE, seed=step % 2)


def mask(step: int) -> Tensor:
    return draw(BATCH, SIDE, SIDE, seed=10 + step % 2) < 0.8


def mirrored(step: int) -> Tensor:
    return draw(BATCH, seed=20 + step) < 0.5


def jitter(pixels: Tensor) -> Tensor:
    return (pixels * 0.7 + 0.1) ** 1.2


def with_sobel(pixels: Tensor) -> Tensor:
    """Append grey's two derivatives: dx [[1,0,-1],[2,0,-2],[1,0,-1]] and dy [[1,2,1],[0,0,0],[-1,-2,-1]]."""
    grey = 0.299 * pixels[:, 0] + 0.587 * pixels[:, 1] + 0.114 * pixels[:, 2]
    wide = F.pad(grey, (1, 1, 1, 1))
    at = {(i, j): wide[:, i : i + SIDE, j : j + SIDE] for i in range(3) for j in range(3)}
    dx = at[0, 0] + 2 * at[1, 0] + at[2, 0] - at[0, 2] - 2 * at[1, 2] - at[2, 2]
    dy = at[0, 0] + 2 * at[0, 1] + at[0, 2] - at[2, 0] - 2 * at[2, 1] - at[2, 2]
    return torch.cat([pixels, dx[:, None], dy[:, None]], dim=1)


def probabilities(weights: Weights, pixels: Tensor, head: str, *, published: bool) -> Tensor:
    """Return one head's probabilities at the input's size; convolutions without bias, batch norm, ReLU."""
    features = with_sobel(pixels)
    # Number of the convolution in the trunk, and its dilation.
    for number, dilation in ((0, 1), (3, 1), (None, 0), (7, 1), (10, 1), (13, 2), (16, 2)):
        if number is None:
            features = F.max_pool2d(features, 2, 2)
            continue
        padding = 1 if published else dilation
        kernel = weights[f"trunk.{number}.weight"]
        features = F.conv2d(features, kernel, padding=padding, dilation=dilation)
        mean = features.mean(dim=(0, 2, 3), keepdim=True)
        variance = ((features - mean) ** 2).mean(dim=(0, 2, 3), keepdim=True)
        scale, shift = (
            weights[f"trunk.{number + 1}.{name}"].view(1, -1, 1, 1) for name in ("weight", "bias")
        )
        features = ((features - mean) / (variance + 1e-5).sqrt() * scale + shift).clamp(min=0)
    scores = F.conv2d(features, weights[f"head_{head}.project.weight"], padding=int(published))
    odds = torch.exp(scores)
    return F.interpolate(odds / odds.sum(dim=1, keepdim=True), size=(SIDE, SIDE), mode="bilinear")


def loss_of(first: Tensor, second: Tensor, kept: Tensor, *, T: int, lamb: float, collapsed: bool) -> Tensor:
    first, second = first * kept[:, None], second * kept[:, None]
    wide = F.pad(second, (T, T, T, T))
    joints = []
    for down in range(2 * T + 1):
        for right in range(2 * T + 1):
            moved = wide[:, :, down : down + SIDE, right : right + SIDE]
            joints.append(torch.einsum("nihw,njhw->ij", first, moved))
    if collapsed:
        joints = [torch.stack(joints).sum(dim=0)]
    losses = []
    for joint in joints:
        P = joint / joint.sum()
        P = (P + P.T) / 2
        rows, columns = P.sum(dim=1, keepdim=True), P.sum(dim=0, keepdim=True)
        losses.append(-(P * (P.log() - lamb * rows.log() - lamb * columns.log())).sum())
    return torch.stack(losses).mean()


def head_of(step: int) -> str:
    """Return the head whose turn it is: passes over the photos alternate, A first."""
    return "ab"[step * BATCH // PHOTOS % 2]


def project(monkeypatch: pytest.MonkeyPatch, **parameters: Any) -> tuple[Weights, Weights]:
    """Train with the project; the views' randomness is the test's."""
    chosen = IICParameters.parse({"width": 2, "batch": BATCH, "lr": 1e-3, "radius": 2, **parameters}, "iic")
    task = Task(dataset="tiny", channels=3, crop=SIDE, clusters=3)
    method = IIC(chosen, task, RunContext(seed=0, device=torch.device("cpu"), steps=STEPS))
    method.network.double()
    method._photos = PHOTOS
    start = {name: value.detach().clone() for name, value in method.network.named_parameters()}
    monkeypatch.setattr(ColorJitter, "apply", lambda drawing, pixels, drawn: jitter(pixels))
    monkeypatch.setattr("infoseg_bench.baselines.iic.draw_mirrored", lambda *rest: mirrored(method.step))
    for step in range(STEPS):
        inside = torch.ones(BATCH, SIDE, SIDE, dtype=torch.bool)
        method._train_step(TrainBatch(images=images(step), inside=inside, mask=mask(step)))
        method.step += 1
    return start, {name: value.detach() for name, value in method.network.named_parameters()}


@pytest.mark.parametrize("padding", ["published", "corrected"])
@pytest.mark.parametrize(("idle_head", "collapsed"), [("published", False), ("corrected", True)])
def test_iic_ends_at_the_weights_of_its_transcription(
    monkeypatch: pytest.MonkeyPatch, padding: str, idle_head: str, collapsed: bool
) -> None:
    start, found = project(
        monkeypatch, padding=padding, idle_head=idle_head, collapsed=collapsed, lamb_b=1.5, clusters_a=4
    )

    def loss(weights: Weights, step: int) -> Tensor:
        head, turned = head_of(step), mirrored(step)[:, None, None, None]
        copies = jitter(images(step))
        copies = torch.where(turned, copies.flip(3), copies)
        one, other = (
            probabilities(weights, pixels, head, published=padding == "published")
            for pixels in (images(step), copies)
        )
        other = torch.where(turned, other.flip(3), other)
        lamb = 1.0 if head == "a" else 1.5
        return loss_of(one, other, mask(step), T=2, lamb=lamb, collapsed=collapsed)

    expected = train(start, loss, steps=STEPS, lr=1e-3, idle_momentum=idle_head == "published")
    assert_same(found, expected, start)
