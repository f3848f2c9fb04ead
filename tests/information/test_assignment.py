from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from infoseg_bench.information.assignment import conditional_entropy, divergence, marginal_entropy


def even(samples: Tensor) -> Tensor:
    return torch.full((len(samples),), 1 / len(samples))


def test_golden_values() -> None:
    assigned = torch.tensor([[1.0, 0.0], [0.5, 0.5]])
    assert float(marginal_entropy(assigned, even(assigned))) == pytest.approx(
        -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    )
    assert float(conditional_entropy(assigned, even(assigned))) == pytest.approx(math.log(2) / 2)
    target = torch.tensor([[0.25, 0.75]])
    assert float(divergence(target, torch.tensor([[0.5, 0.5]]), even(target))) == pytest.approx(
        0.25 * math.log(0.5) + 0.75 * math.log(1.5)
    )


def test_decided_and_evenly_spread_samples_hold_log_k() -> None:
    assigned = torch.eye(3).repeat(4, 1)
    information = marginal_entropy(assigned, even(assigned)) - conditional_entropy(assigned, even(assigned))
    assert float(information) == pytest.approx(math.log(3))


def test_samples_that_are_all_alike_hold_no_information() -> None:
    assigned = torch.tensor([[0.2, 0.3, 0.5]]).repeat(7, 1)
    assert float(marginal_entropy(assigned, even(assigned))) == pytest.approx(
        float(conditional_entropy(assigned, even(assigned))), abs=1e-6
    )


def test_the_divergence_is_least_and_flat_where_nothing_moved() -> None:
    target = torch.rand(5, 4).softmax(dim=1)
    scores = target.log().requires_grad_()
    value = divergence(target, scores.softmax(dim=1), even(target))
    (gradient,) = torch.autograd.grad(value, [scores])
    assert float(value.detach()) == pytest.approx(0, abs=1e-6)
    assert float(gradient.abs().max()) < 1e-6


def test_samples_without_a_share_play_no_part() -> None:
    assigned, share = torch.tensor([[0.2, 0.8], [0.0, 0.0]]), torch.tensor([1.0, 0.0])
    alone = assigned[:1]
    for function in (marginal_entropy, conditional_entropy):
        assert float(function(assigned, share)) == pytest.approx(float(function(alone, even(alone))))
    assert float(divergence(assigned, assigned.flip(1), share)) == pytest.approx(
        float(divergence(alone, alone.flip(1), even(alone)))
    )


@pytest.mark.parametrize("function", [marginal_entropy, conditional_entropy])
def test_certain_samples_have_finite_gradients(function: object) -> None:
    assigned = torch.tensor([[1.0, 0.0]], requires_grad=True)
    (gradient,) = torch.autograd.grad(function(assigned, even(assigned)), [assigned])  # type: ignore[operator]
    assert gradient.isfinite().all()
