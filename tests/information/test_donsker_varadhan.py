from __future__ import annotations

import math

import pytest
import torch

from infoseg_bench.information.donsker_varadhan import donsker_varadhan


def test_scores_that_say_nothing_give_zero() -> None:
    assert donsker_varadhan(torch.full((3,), 2.5), torch.full((4,), 2.5)).item() == pytest.approx(0, abs=1e-6)


def test_the_estimate_equals_its_definition() -> None:
    joint = torch.tensor([0.3, -1.2], dtype=torch.float64)
    marginal = torch.tensor([0.7, -2.0, 0.1], dtype=torch.float64)
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


def scores(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def literal(joint: torch.Tensor, marginal: torch.Tensor) -> float:
    logarithm = math.log(math.fsum(math.exp(score) for score in marginal.tolist()) / len(marginal))
    return math.fsum(joint.tolist()) / len(joint) - logarithm


def test_per_place_every_place_has_a_logarithm_of_its_own() -> None:
    joint, marginal = scores(4, 2, 3), scores(12, 2, 3, seed=1)
    places = [literal(joint[:, i, j], marginal[:, i, j]) for i in range(2) for j in range(3)]
    estimate = donsker_varadhan(joint, marginal, average="per-place").item()
    assert estimate == pytest.approx(sum(places) / 6, rel=1e-12)
    assert estimate > donsker_varadhan(joint, marginal, average="pooled").item()


def test_at_a_single_place_both_averages_agree() -> None:
    joint, marginal = scores(4, 1, 1), scores(12, 1, 1, seed=1)
    per_place = donsker_varadhan(joint, marginal, average="per-place").item()
    assert per_place == pytest.approx(donsker_varadhan(joint, marginal, average="pooled").item(), rel=1e-12)


def test_what_does_not_count_is_left_out_place_by_place() -> None:
    joint, marginal = scores(3, 2, 2), scores(6, 2, 2, seed=1)
    counted = torch.tensor([[[1, 0], [1, 0]], [[1, 1], [0, 0]], [[0, 1], [1, 0]]]).bool()
    pairs = counted.repeat_interleave(2, dim=0)
    places = [
        literal(joint[:, i, j][counted[:, i, j]], marginal[:, i, j][pairs[:, i, j]])
        for i, j in ((0, 0), (0, 1), (1, 0))
    ]
    kept = {"counted_joint": counted, "counted_marginal": pairs}
    estimate = donsker_varadhan(joint, marginal, average="per-place", **kept).item()
    assert estimate == pytest.approx(sum(places) / 3, rel=1e-12)
    pooled = donsker_varadhan(joint, marginal, average="pooled", **kept).item()
    assert pooled == pytest.approx(literal(joint[counted], marginal[pairs]), rel=1e-12)


def test_per_place_a_mask_of_one_kind_alone_keeps_all_of_the_other() -> None:
    joint, marginal = scores(2, 2), scores(3, 2, seed=1)
    counted = torch.tensor([[1, 0], [1, 1]]).bool()
    expected = (literal(joint[:, 0], marginal[:, 0]) + literal(joint[1:, 1], marginal[:, 1])) / 2
    estimate = donsker_varadhan(joint, marginal, average="per-place", counted_joint=counted).item()
    assert estimate == pytest.approx(expected, rel=1e-12)


def test_without_anything_that_counts_the_estimate_and_its_gradients_are_zero() -> None:
    joint, marginal = scores(2, 3).requires_grad_(), scores(4, 3, seed=1).requires_grad_()
    nothing = {
        "counted_joint": torch.zeros(2, 3, dtype=torch.bool),
        "counted_marginal": torch.zeros(4, 3, dtype=torch.bool),
    }
    estimate = donsker_varadhan(joint, marginal, average="per-place", **nothing)
    assert estimate.item() == 0.0
    for gradient in torch.autograd.grad(estimate, [joint, marginal]):
        assert torch.equal(gradient, torch.zeros_like(gradient))


def test_pooled_is_the_default() -> None:
    joint, marginal = scores(4, 2), scores(6, 2, seed=1)
    assert donsker_varadhan(joint, marginal).item() == pytest.approx(
        literal(joint.flatten(), marginal.flatten()), rel=1e-12
    )


def test_a_place_with_samples_of_one_kind_alone_is_left_out() -> None:
    joint, marginal = scores(2, 2), scores(1, 2, seed=1)
    here, nowhere = torch.tensor([[True, True], [True, False]]), torch.tensor([[True, False]])
    estimate = donsker_varadhan(
        joint, marginal, average="per-place", counted_joint=here, counted_marginal=nowhere
    )
    assert estimate.item() == pytest.approx(literal(joint[:, 0], marginal[:, 0]), rel=1e-12)
