from __future__ import annotations

import copy
from typing import Any, TypeVar

import pytest
import torch
from torch import Tensor, nn

from infoseg_bench.contracts import RunContext, Task
from infoseg_bench.data.train_images import TrainBatch
from infoseg_bench.training.network_method import NetworkMethod, TrainingParameters


class Fitting(NetworkMethod):
    """One weight that is pulled towards the mean of the images, with dropout as its noise."""

    name = "fitting"
    title = "Fitting"
    citation = "none"
    parameters_type = TrainingParameters

    def build(self) -> nn.Module:
        return nn.Sequential(nn.Conv2d(3, 1, 1), nn.Dropout(0.5))

    def losses(self, batch: TrainBatch, generator: torch.Generator) -> dict[str, Tensor]:
        noise = torch.rand(1, generator=generator)
        return {"loss": (self.network(batch.images).mean() - batch.images.mean() - noise).square().mean()}

    def predict(self, images: Tensor) -> Tensor:
        scores: Tensor = self.network.eval()(images)
        return (scores[:, 0] > 0).long()


Kind = TypeVar("Kind", bound=Fitting)


def make(seed: int = 0, **parameters: Any) -> Fitting:
    return make_kind(Fitting, seed, **parameters)


def make_kind(kind: type[Kind], seed: int = 0, **parameters: Any) -> Kind:
    task = Task(dataset="mini", channels=3, crop=32, clusters=2)
    chosen = TrainingParameters.parse({"batch": 2, "lr": 0.1, **parameters}, "fitting")
    return kind(chosen, task, RunContext(seed=seed, device=torch.device("cpu"), steps=4))


def batch() -> TrainBatch:
    pixels = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    return TrainBatch(images=pixels, inside=torch.ones(2, 32, 32, dtype=torch.bool), mask=None)


def weights(method: Fitting) -> Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in method.network.parameters()])


def test_initial_weights_follow_from_the_seed_and_leave_the_global_generator_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    first = make()
    assert torch.equal(torch.rand(1), expected)
    assert torch.equal(weights(first), weights(make()))
    assert not torch.equal(weights(first), weights(make(seed=1)))


def test_a_step_does_not_depend_on_what_the_global_generator_did_before() -> None:
    one, other = make(), make()
    one._train_step(batch())
    torch.manual_seed(77)
    other._train_step(batch())
    assert torch.equal(weights(one), weights(other))


@pytest.mark.parametrize(
    ("schedule", "expected"), [("constant", [0.1] * 4), ("cosine", [0.1, 0.0854, 0.05, 0.0146])]
)
def test_the_learning_rate_follows_its_schedule(schedule: str, expected: list[float]) -> None:
    method, rates = make(schedule=schedule), []
    for step in range(4):
        method.step = step
        method._train_step(batch())
        rates.append(method.optimiser.param_groups[0]["lr"])
    assert rates == pytest.approx(expected, abs=1e-3)


def test_weight_decay_pulls_weights_that_nothing_else_moves() -> None:
    plain, decayed = make(), make(weight_decay=10.0)
    plain._train_step(batch())
    decayed._train_step(batch())
    assert not torch.equal(weights(plain), weights(decayed))


def test_only_steps_make_an_optimiser_and_a_state_from_before_them_takes_its_momentum_away() -> None:
    method, other = make(), make()
    begun = copy.deepcopy(method.state())
    assert begun["optimiser"] is None
    method.predict(batch().images)
    assert "optimiser" not in vars(method)
    for _ in range(2):
        method._train_step(batch())
        method.load_state(copy.deepcopy(begun))
    for trained in (method, other):
        trained._train_step(batch())
    assert torch.equal(weights(method), weights(other))
    other.load_state(copy.deepcopy(method.state()))
    for trained in (method, other):
        trained._train_step(batch())
    assert torch.equal(weights(method), weights(other))


def test_scalars_carry_no_graph_that_would_grow_from_step_to_step() -> None:
    assert all(
        not value.requires_grad for value in make()._train_step(batch()).values() if isinstance(value, Tensor)
    )


class Seeing(Fitting):
    """Remembers the precisions it has met."""

    met: tuple[torch.dtype, torch.dtype]

    def losses(self, batch: TrainBatch, generator: torch.Generator) -> dict[str, Tensor]:
        scores = self.network(batch.images)
        self.met = (scores.dtype, batch.images.dtype)
        return {"loss": scores.float().square().mean()}

    def predict(self, images: Tensor) -> Tensor:
        with self.inference():
            scores: Tensor = self.network(images)
        self.met = (scores.dtype, images.dtype)
        assert not scores.requires_grad
        assert not self.network.training
        return (scores[:, 0] > 0).long()


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_network_runs_at_the_precision_asked_for_and_weights_stay_float32(precision: str) -> None:
    method, expected = make_kind(Seeing, precision=precision), getattr(torch, precision)
    scalars = method._train_step(batch())
    assert method.met == (expected, torch.float32)
    assert isinstance(scalars["loss"], Tensor)
    assert scalars["loss"].dtype == torch.float32
    method.predict(batch().images)
    assert method.met[0] == expected
    for weight in method.network.parameters():
        assert weight.dtype == torch.float32
        for name, value in method.optimiser.state[weight].items():
            assert value.dtype == torch.float32, name


@pytest.mark.gpu
def test_a_gpu_rounds_float32_to_tf32_only_where_precision_says_so() -> None:
    pixels = torch.rand(4, 64, 32, 32, generator=torch.Generator().manual_seed(0)) - 0.5
    convolution = nn.Conv2d(64, 64, 3, padding=1)
    exact = convolution.double()(pixels.double())
    errors = {}
    for precision in ("float32", "tf32"):
        chosen = TrainingParameters.parse({"precision": precision}, "fitting")
        task = Task(dataset="mini", channels=3, crop=32, clusters=2)
        method = Fitting(chosen, task, RunContext(seed=0, device=torch.device("cuda"), steps=1))
        with method.rounding():
            found = convolution.float().cuda()(pixels.cuda()).cpu().double()
        errors[precision] = float((found - exact).abs().max() / exact.abs().max())
    assert errors["float32"] < 1e-5 < errors["tf32"] < 1e-2
