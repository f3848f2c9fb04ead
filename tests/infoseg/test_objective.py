from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from infoseg_bench.information.donsker_varadhan import donsker_varadhan
from infoseg_bench.information.jensen_shannon import jensen_shannon
from infoseg_bench.infoseg.objective import (
    all_pairs_information,
    class_probabilities,
    class_scores,
    draw_shift,
    hard_assignment,
    image_share,
    joint_scores,
    marginal_scores,
    random_partners,
    shifted,
)
from tests.infoseg import literal


def features(seed: int, *, images: int, K: int, P: int, rows: int, columns: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    L = torch.randn(images, P, rows, columns, generator=generator, dtype=torch.float64)
    H = torch.randn(images, K, P, generator=generator, dtype=torch.float64)
    return L.requires_grad_(), H.requires_grad_()


def fast_objective(
    L: Tensor,
    H: Tensor,
    other: Tensor,
    tau: float,
    *,
    estimator: str,
    assignment: str,
    negatives: str = "same-place",
    seed: int = 0,
    average: str = "pooled",
    inside: Tensor | None = None,
) -> Tensor:
    scores = class_scores(L, H)
    V = class_probabilities(scores, tau)
    weights = hard_assignment(V) if assignment == "hard" else V
    moved = shifted(weights, drawn_shift(weights, seed)) if negatives == "shifted" else weights
    everywhere = negatives == "all-places"
    marginal = marginal_scores(L, H, moved, other=other, pairing="permuted", every_place=everywhere)
    joint = joint_scores(weights, scores)
    if estimator == "jensen-shannon":
        return jensen_shannon(joint, marginal)
    paired = None if inside is None else inside.repeat_interleave(len(marginal) // len(joint), dim=0)
    return donsker_varadhan(
        joint,
        marginal,
        average="per-place" if average == "places" else "pooled",
        counted_joint=inside,
        counted_marginal=paired,
    )


def drawn_shift(V: Tensor, seed: int) -> Tensor:
    return draw_shift(V.shape[2], V.shape[3], torch.Generator().manual_seed(seed))


def shift_drawn(rows: int, columns: int, seed: int) -> tuple[int, int]:
    """Find by trial where `shifted` moves the first place."""
    first = torch.zeros(1, 1, rows, columns)
    first[..., 0, 0] = 1
    moved = shifted(first, drawn_shift(first, seed))
    row, column = moved[0, 0].nonzero()[0].tolist()
    return row, column


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


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 10_000),
    images=st.integers(2, 3),
    K=st.sampled_from([2, 3, 6]),
    rows=st.integers(1, 3),
    columns=st.integers(1, 3),
    negatives=st.sampled_from(["same-place", "shifted", "all-places"]),
    choice=st.sampled_from(
        [("jensen-shannon", "pooled"), ("donsker-varadhan", "pooled"), ("donsker-varadhan", "places")]
    ),
    masked=st.booleans(),
)
def test_every_choice_of_negatives_and_average_equals_the_literal_equations(
    seed: int,
    images: int,
    K: int,
    rows: int,
    columns: int,
    negatives: str,
    choice: tuple[str, str],
    masked: bool,
) -> None:
    estimator, average = choice
    L, H = features(seed, images=images, K=K, P=4, rows=rows, columns=columns)
    other = random_partners(images, torch.Generator().manual_seed(seed))
    inside = None
    if masked and estimator == "donsker-varadhan":
        inside = torch.rand(images, rows, columns, generator=torch.Generator().manual_seed(seed)) < 0.6
        inside[0, 0, 0] = True
    fast = fast_objective(
        L, H, other, 0.8, estimator=estimator, assignment="soft", negatives=negatives, seed=seed,
        average=average, inside=inside,
    )  # fmt: skip
    slow = literal.literal_objective(
        L, H, other.tolist(), 0.8, estimator=estimator, assignment="soft", negatives=negatives,
        shift=shift_drawn(rows, columns, seed), average=average, inside=inside,
    )  # fmt: skip
    torch.testing.assert_close(fast, slow, rtol=1e-12, atol=1e-12)
    for one, two in zip(torch.autograd.grad(fast, [L, H]), torch.autograd.grad(slow, [L, H]), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_a_shift_moves_every_place_and_is_the_same_for_all_images(seed: int) -> None:
    V = torch.arange(24.0).view(2, 1, 3, 4)
    moved = shifted(V, drawn_shift(V, seed))
    assert (moved != V).all()
    assert torch.equal(moved[1] - moved[0], torch.full_like(moved[0], 12))


def test_the_image_share_is_nothing_for_a_code_book_and_all_where_images_have_nothing_in_common() -> None:
    code_book = torch.randn(1, 3, 8).expand(6, 3, 8)
    assert float(image_share(code_book)) == pytest.approx(0, abs=1e-6)
    apart = torch.cat([code_book[:3], -code_book[3:]])
    assert float(image_share(apart)) == pytest.approx(1, abs=1e-6)
    half = torch.cat([code_book[:3], 0 * code_book[3:]])
    assert float(image_share(half)) == pytest.approx(0.5, abs=1e-6)


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
    fast = jensen_shannon(joint_scores(V, scores), marginal)
    pairs = [torch.arange(images).roll(shift).tolist() for shift in range(1, images)]
    one_by_one = [
        literal.literal_objective(L, H, other, 0.8, estimator="jensen-shannon", assignment="soft")
        for other in pairs
    ]
    slow = torch.stack(one_by_one).mean()
    torch.testing.assert_close(fast, slow, rtol=1e-12, atol=1e-12)
    for one, two in zip(torch.autograd.grad(fast, [L, H]), torch.autograd.grad(slow, [L, H]), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-10, atol=1e-12)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10_000), images=st.integers(2, 5), K=st.sampled_from([2, 3, 6]))
def test_all_pairs_in_one_pass_have_the_estimate_and_the_gradients_of_the_steps_one_by_one(
    seed: int, images: int, K: int
) -> None:
    L, H = features(seed, images=images, K=K, P=4, rows=2, columns=3)
    scores = class_scores(L, H)
    V = class_probabilities(scores, 0.8)
    joint = joint_scores(V, scores)
    at_once = all_pairs_information(L, H, V, joint)
    apart = jensen_shannon(joint, marginal_scores(L, H, V, pairing="all"))
    torch.testing.assert_close(at_once, apart, rtol=1e-12, atol=1e-12)
    found, expected = (torch.autograd.grad(3 * e, [L, H], retain_graph=True) for e in (at_once, apart))
    for one, two in zip(found, expected, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-12, atol=1e-14)


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
