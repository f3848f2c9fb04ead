from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from infoseg_bench.infoseg.method import ESTIMATORS
from infoseg_bench.infoseg.objective import (
    class_probabilities,
    class_scores,
    hard_assignment,
    joint_scores,
    marginal_scores,
    random_partners,
)
from tests.infoseg import literal


def features(seed: int, *, images: int, K: int, P: int, rows: int, columns: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    L = torch.randn(images, P, rows, columns, generator=generator, dtype=torch.float64)
    H = torch.randn(images, K, P, generator=generator, dtype=torch.float64)
    return L.requires_grad_(), H.requires_grad_()


def fast_objective(
    L: Tensor, H: Tensor, other: Tensor, tau: float, *, estimator: str, assignment: str
) -> Tensor:
    scores = class_scores(L, H)
    V = class_probabilities(scores, tau)
    weights = hard_assignment(V) if assignment == "hard" else V
    marginal = marginal_scores(L, H, weights, other=other, pairing="permuted")
    return ESTIMATORS[estimator](joint_scores(weights, scores), marginal)


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    images=st.integers(2, 4),
    K=st.sampled_from([2, 3, 6, 15, 27]),
    P=st.integers(1, 6),
    rows=st.integers(1, 3),
    columns=st.integers(1, 3),
    tau=st.sampled_from([0.1, 0.8, 2.0]),
    estimator=st.sampled_from(["jensen-shannon", "donsker-varadhan"]),
    assignment=st.sampled_from(["soft", "hard"]),
)
def test_the_objective_without_S_equals_the_literal_equations_and_so_do_its_gradients(
    seed: int,
    images: int,
    K: int,
    P: int,
    rows: int,
    columns: int,
    tau: float,
    estimator: str,
    assignment: str,
) -> None:
    L, H = features(seed, images=images, K=K, P=P, rows=rows, columns=columns)
    other = random_partners(images, torch.Generator().manual_seed(seed))
    fast = fast_objective(L, H, other, tau, estimator=estimator, assignment=assignment)
    slow = literal.literal_objective(L, H, other.tolist(), tau, estimator=estimator, assignment=assignment)
    torch.testing.assert_close(fast, slow, rtol=1e-12, atol=1e-12)
    for one, two in zip(torch.autograd.grad(fast, [L, H]), torch.autograd.grad(slow, [L, H]), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-10, atol=1e-12)


def test_all_pairing_averages_the_permuted_one_over_every_other_image() -> None:
    L, H = features(3, images=4, K=3, P=5, rows=2, columns=3)
    V = class_probabilities(class_scores(L, H), 0.8)
    unused = torch.arange(4)
    everything = marginal_scores(L, H, V, other=unused, pairing="all")
    shifts = [marginal_scores(L, H, V, other=torch.arange(4).roll(s), pairing="permuted") for s in (1, 2, 3)]
    expected = torch.cat(shifts)
    assert everything.shape == expected.shape
    torch.testing.assert_close(everything.flatten().sort().values, expected.flatten().sort().values)


@pytest.mark.parametrize("images", [2, 5])
@pytest.mark.parametrize("K", [2, 15, 27])
def test_all_pairing_has_the_gradients_of_the_literal_equations_averaged_over_every_other_image(
    images: int, K: int
) -> None:
    L, H = features(6, images=images, K=K, P=4, rows=2, columns=3)
    scores = class_scores(L, H)
    V = class_probabilities(scores, 0.8)
    marginal = marginal_scores(L, H, V, other=torch.arange(images), pairing="all")
    fast = ESTIMATORS["jensen-shannon"](joint_scores(V, scores), marginal)
    pairs = [torch.arange(images).roll(shift).tolist() for shift in range(1, images)]
    one_by_one = [
        literal.literal_objective(L, H, other, 0.8, estimator="jensen-shannon", assignment="soft")
        for other in pairs
    ]
    slow = torch.stack(one_by_one).mean()
    torch.testing.assert_close(fast, slow, rtol=1e-12, atol=1e-12)
    for one, two in zip(torch.autograd.grad(fast, [L, H]), torch.autograd.grad(slow, [L, H]), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-10, atol=1e-12)


def test_pairs_of_the_all_pairing_come_in_the_order_of_their_local_features() -> None:
    L, H = features(4, images=3, K=2, P=4, rows=1, columns=1)
    V = class_probabilities(class_scores(L, H), 0.8)
    everything = marginal_scores(L, H, V, other=torch.arange(3), pairing="all").flatten()
    expected = [
        sum(V[c, k, 0, 0] * (L[b, :, 0, 0] @ H[c, k]) for k in range(2))
        for b in range(3)
        for c in range(3)
        if b != c
    ]
    torch.testing.assert_close(everything, torch.stack([torch.as_tensor(one) for one in expected]))


def test_own_pairing_weighs_the_other_images_features_with_the_own_assignment() -> None:
    L, H = features(5, images=2, K=3, P=4, rows=1, columns=2)
    V = class_probabilities(class_scores(L, H), 0.8)
    scores = marginal_scores(L, H, V, other=torch.tensor([1, 0]), pairing="own")
    expected = sum(V[0, k, 0, 1] * (L[0, :, 0, 1] @ H[1, k]) for k in range(3))
    torch.testing.assert_close(scores[0, 0, 1], torch.as_tensor(expected))


@given(count=st.integers(2, 40), seed=st.integers(0, 1000))
def test_every_image_gets_another_one_and_each_is_used_once(count: int, seed: int) -> None:
    other = random_partners(count, torch.Generator().manual_seed(seed)).tolist()
    assert sorted(other) == list(range(count))
    assert all(partner != image for image, partner in enumerate(other))


def test_the_softmax_stays_finite_where_the_plain_exponential_overflows() -> None:
    scores = torch.tensor([1e4, -1e4], dtype=torch.float64).view(1, 2, 1, 1)
    torch.testing.assert_close(class_probabilities(scores, 0.8).flatten(), torch.tensor([1.0, 0.0]).double())


@pytest.mark.parametrize("tau", [0.8, 5.0])
def test_a_larger_tau_makes_a_harder_assignment(tau: float) -> None:
    scores = torch.tensor([1.0, 0.0]).view(1, 2, 1, 1)
    assert class_probabilities(scores, tau)[0, 0, 0, 0] > class_probabilities(scores, tau / 2)[0, 0, 0, 0]
