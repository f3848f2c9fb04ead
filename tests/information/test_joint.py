from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from infoseg_bench.information.joint import joint_information, symmetrised


def joint(rows: int, columns: int, seed: int) -> torch.Tensor:
    return torch.rand(rows, columns, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_independent_clusters_have_no_information() -> None:
    marginal = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64)
    assert joint_information(marginal[:, None] * marginal).item() == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize("K", [2, 3, 15])
def test_equal_and_even_clusters_have_log_k(K: int) -> None:
    assert joint_information(torch.eye(K)).item() == pytest.approx(math.log(K))
    assert joint_information(torch.eye(K), lamb=1.5).item() == pytest.approx(2 * math.log(K))


@given(rows=st.integers(1, 6), columns=st.integers(1, 6), seed=st.integers(0, 99), scale=st.floats(1e-6, 1e6))
def test_it_is_never_negative_at_most_log_k_and_free_of_scale(
    rows: int, columns: int, seed: int, scale: float
) -> None:
    masses = joint(rows, columns, seed)
    value = joint_information(masses).item()
    assert -1e-12 <= value <= math.log(min(rows, columns)) + 1e-12
    assert joint_information(masses * scale).item() == pytest.approx(value, abs=1e-12)


def test_many_joints_are_taken_one_by_one() -> None:
    both = torch.stack([joint(3, 3, 0), joint(3, 3, 1)])
    assert joint_information(both, lamb=1.5).tolist() == pytest.approx(
        [joint_information(one, lamb=1.5).item() for one in both]
    )


def test_a_joint_without_mass_has_neither_information_nor_a_gradient() -> None:
    empty = torch.zeros(3, 3, requires_grad=True)
    value = joint_information(empty)
    (gradient,) = torch.autograd.grad(value, [empty])
    assert value.item() == pytest.approx(0, abs=1e-12)
    assert (gradient == 0).all()


def test_symmetrising_makes_both_marginals_the_same() -> None:
    both = symmetrised(joint(4, 4, 3))
    assert torch.equal(both, both.mT)
    assert torch.allclose(both.sum(0), both.sum(1))


def test_symmetrising_keeps_the_mass() -> None:
    joint = torch.tensor([[1.0, 2.0], [4.0, 5.0]], dtype=torch.float64)
    assert symmetrised(joint).tolist() == [[1.0, 3.0], [3.0, 5.0]]
