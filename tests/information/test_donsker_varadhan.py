from __future__ import annotations

import math

import pytest
import torch

from infoseg_bench.information.donsker_varadhan import donsker_varadhan


def test_scores_that_say_nothing_give_zero() -> None:
    assert donsker_varadhan(torch.full((3,), 2.5), torch.full((2, 2), 2.5)).item() == pytest.approx(
        0, abs=1e-6
    )


def test_the_estimate_equals_its_definition() -> None:
    joint = torch.tensor([0.3, -1.2], dtype=torch.float64)
    marginal = torch.tensor([[0.7], [-2.0], [0.1]], dtype=torch.float64)
    expected = -0.45 - math.log((math.exp(0.7) + math.exp(-2.0) + math.exp(0.1)) / 3)
    assert donsker_varadhan(joint, marginal).item() == pytest.approx(expected, rel=1e-12)


def test_the_estimate_is_finite_where_the_plain_exponential_overflows() -> None:
    assert donsker_varadhan(torch.tensor([1e4]), torch.tensor([1e4, 1e4])).item() == pytest.approx(
        0, abs=1e-2
    )


def test_the_estimate_reaches_the_information_of_a_pair_of_equal_coins() -> None:
    # T = log p(x, y) / p(x) p(y) attains the bound: log 2 for two equal fair coins.
    joint = torch.full((10,), math.log(2.0), dtype=torch.float64)
    marginal = torch.tensor([math.log(2.0), -1e9] * 5, dtype=torch.float64)
    assert donsker_varadhan(joint, marginal).item() == pytest.approx(math.log(2), rel=1e-12)
