from __future__ import annotations

import math

import pytest
import torch

from infoseg_bench.information.jensen_shannon import jensen_shannon


def test_scores_that_say_nothing_give_minus_two_log_two() -> None:
    assert jensen_shannon(torch.zeros(3), torch.zeros(2, 2)).item() == pytest.approx(-2 * math.log(2))


def test_the_estimate_equals_equation_seven() -> None:
    joint, marginal = torch.tensor([0.3, -1.2], dtype=torch.float64), torch.tensor([0.7], dtype=torch.float64)
    expected = -(math.log1p(math.exp(-0.3)) + math.log1p(math.exp(1.2))) / 2 - math.log1p(math.exp(0.7))
    assert jensen_shannon(joint, marginal).item() == pytest.approx(expected, rel=1e-12)


def test_the_estimate_is_finite_for_scores_far_out_and_reaches_zero_for_perfect_ones() -> None:
    assert jensen_shannon(torch.tensor([1e4]), torch.tensor([-1e4])).item() == 0.0
    assert jensen_shannon(torch.tensor([-1e4]), torch.tensor([1e4])).item() == pytest.approx(-2e4)
