"""InfoSeg's objective trained by the project and by a transcription of the paper's equations 3 to 8."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from infoseg_bench.contracts import RunContext, Task
from infoseg_bench.data.train_images import TrainBatch
from infoseg_bench.infoseg.infoseg import InfoSeg
from infoseg_bench.infoseg.infoseg_parameters import InfoSegParameters
from infoseg_bench.infoseg.network import Features
from tests.witness.adam import Weights, assert_same, train

STEPS, BATCH, SIDE, P, K, TAU, LR = 50, 4, 12, 5, 3, 0.8, 1e-3


def draw(*shape: int, seed: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def images(step: int) -> Tensor:
    return draw(BATCH, 3, SIDE, SIDE, seed=step % 2)


def partners(step: int) -> list[int]:
    """Name another image for each one."""
    turn = 1 + step % (BATCH - 1)
    return [(image + turn) % BATCH for image in range(BATCH)]


class Linear(nn.Module):
    """L from squares of 4x4 pixels and H from the whole image, by a matrix each: the loss is in question."""

    def __init__(self) -> None:
        super().__init__()
        self.local = nn.Parameter(2 * draw(P, 48, seed=30) - 1)
        self.whole = nn.Parameter((2 * draw(K * P, 3 * SIDE * SIDE, seed=31) - 1) / 8)

    def forward(self, pixels: Tensor) -> Features:
        squares = nn.functional.pixel_unshuffle(pixels, 4)
        L = torch.einsum("pc,bcrs->bprs", self.local, squares)
        return Features(L=L, H=(pixels.flatten(1) @ self.whole.T).view(-1, K, P))


class OfLinear(InfoSeg):
    def build(self) -> nn.Module:
        return Linear()


def local(weights: Weights, image: Tensor, row: int, column: int) -> Tensor:
    square = image[:, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
    return weights["local"] @ square.flatten()


def loss_of(weights: Weights, pixels: Tensor, pairs: list[int], chosen: dict[str, Any]) -> Tensor:
    """Return minus eq. 6, place by place."""
    whole = [(weights["whole"] @ image.flatten()).view(K, P) for image in pixels]
    places = [(row, column) for row in range(SIDE // 4) for column in range(SIDE // 4)]
    joint: dict[tuple[int, int], list[Tensor]] = {place: [] for place in places}
    marginal: dict[tuple[int, int], list[Tensor]] = {place: [] for place in places}
    for row, column in places:
        L = [local(weights, image, row, column) for image in pixels]
        V = []
        for x in range(BATCH):
            odds = torch.exp(TAU * (whole[x] @ L[x]))
            found = odds / odds.sum()
            if chosen["assignment"] == "hard":
                found = torch.eye(K, dtype=torch.float64)[int(found.argmax())]
            V.append(found if chosen["gradient_through_assignment"] else found.detach())
        S = [V[x] @ whole[x] for x in range(BATCH)]
        for x in range(BATCH):
            joint[row, column].append(L[x] @ S[x])
            others = [y for y in range(BATCH) if y != x] if chosen["pairing"] == "all" else [pairs[x]]
            for y in others:
                other = V[x] @ whole[y] if chosen["pairing"] == "own" else S[y]
                marginal[row, column].append(L[x] @ other)
    if chosen["estimator"] == "jensen-shannon" or chosen.get("dv_average") == "pooled":
        ones = torch.stack([score for place in places for score in joint[place]])
        others_ = torch.stack([score for place in places for score in marginal[place]])
        return -estimate(ones, others_, chosen["estimator"])
    each = [
        estimate(torch.stack(joint[place]), torch.stack(marginal[place]), chosen["estimator"])
        for place in places
    ]
    return -torch.stack(each).mean()


def estimate(joint: Tensor, marginal: Tensor, estimator: str) -> Tensor:
    if estimator == "donsker-varadhan":
        return joint.mean() - torch.exp(marginal).mean().log()
    return (-torch.log(1 + torch.exp(-joint))).mean() - torch.log(1 + torch.exp(marginal)).mean()


CASES: dict[str, dict[str, Any]] = {
    "eq. 8 to the letter": {"pairing": "permuted"},
    "every other image": {"pairing": "all"},
    "V of x": {"pairing": "own", "gradient_through_assignment": False},
    "hard": {"pairing": "permuted", "assignment": "hard"},
    "DV per place": {"pairing": "all", "estimator": "donsker-varadhan", "dv_average": "per-place"},
    "DV pooled": {"pairing": "permuted", "estimator": "donsker-varadhan", "dv_average": "pooled"},
}


@pytest.mark.parametrize("case", CASES)
def test_infoseg_ends_at_the_weights_of_its_transcription(monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    chosen = {
        "estimator": "jensen-shannon",
        "assignment": "soft",
        "gradient_through_assignment": True,
        **CASES[case],
    }
    values = {"P": P, "tau": TAU, "tau_tied": False, "batch": BATCH, "lr": LR, "context": 0, **chosen}
    plain = {"flip": False, "jitter": "none", "negatives": "same-place"}
    task = Task(dataset="tiny", channels=3, crop=SIDE, clusters=K)
    parameters = InfoSegParameters.parse({**values, **plain}, "infoseg")
    method = OfLinear(parameters, task, RunContext(seed=0, device=torch.device("cpu"), steps=STEPS))
    start = {name: value.detach().clone() for name, value in method.network.named_parameters()}
    monkeypatch.setattr(
        "infoseg_bench.infoseg.infoseg.random_partners", lambda *rest: torch.tensor(partners(method.step))
    )
    for step in range(STEPS):
        inside = torch.ones(BATCH, SIDE, SIDE, dtype=torch.bool)
        method._train_step(TrainBatch(images=images(step), inside=inside, mask=None))
        method.step += 1

    def loss(weights: Weights, step: int) -> Tensor:
        return loss_of(weights, images(step), partners(step), chosen)

    found = {name: value.detach() for name, value in method.network.named_parameters()}
    expected = train(start, loss, steps=STEPS, lr=LR)
    assert_same(found, expected, start)
