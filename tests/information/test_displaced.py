from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from infoseg_bench.information.displaced import displaced_information
from tests.information import definition
from tests.shared import SHARED, needs_shared


def maps(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    scores = torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return scores.mul(2).softmax(dim=1).to(dtype)


def golden(case: int) -> tuple[dict[str, Tensor], dict[str, Any]]:
    file = np.load(SHARED / "reference" / "iic_loss_golden.npz")
    values = {
        name.partition("/")[2]: torch.from_numpy(np.asarray(file[name]))
        for name in file
        if name.startswith(f"case{case}/")
    }
    settings = {
        "radius": int(values["half_window"]),
        "collapsed": bool(values["collapsed"]),
        "mask": values["mask"].bool(),
    }
    return values, settings


def golden_losses(case: int, dtype: torch.dtype) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return the golden values, and ours of the same names."""
    values, settings = golden(case)
    first, second = (
        values[name].to(dtype).requires_grad_() for name in ("probabilities", "probabilities_other")
    )
    back = torch.where(values["flipped"][:, None, None, None], second.flip(3), second)
    loss = -displaced_information(first, back, lamb=float(values["lamb"]), **settings)
    plain = -displaced_information(first, back, **settings)
    grad, grad_other = torch.autograd.grad(loss, [first, second])
    ours = {"loss": loss, "loss_lamb1": plain, "grad": grad, "grad_other": grad_other}
    return values, {name: value.detach() for name, value in ours.items()}


@needs_shared
@pytest.mark.parametrize("case", range(5))
def test_values_and_gradients_are_those_of_the_released_loss(case: int) -> None:
    expected, ours = golden_losses(case, torch.float64)
    for name in ("loss", "loss_lamb1"):
        torch.testing.assert_close(ours[name], expected[name], atol=1e-9, rtol=0)
    # The released collapsed form takes its normalising sum for a constant: its gradient is another.
    for name in () if bool(expected["collapsed"]) else ("grad", "grad_other"):
        torch.testing.assert_close(ours[name], expected[name], atol=1e-7, rtol=0)
        torch.testing.assert_close(ours[name], expected[name], atol=1e-15, rtol=1e-6)


@needs_shared
@pytest.mark.parametrize("case", range(5))
def test_float32_comes_within_a_hundred_thousandth(case: int) -> None:
    expected, ours = golden_losses(case, torch.float32)
    for name in ("loss", "loss_lamb1"):
        torch.testing.assert_close(ours[name].double(), expected[name], atol=0, rtol=1e-5)


@settings(max_examples=30, deadline=None)
@given(
    batch=st.integers(1, 9),
    clusters=st.integers(1, 4),
    others=st.integers(1, 4),
    size=st.tuples(st.integers(4, 9), st.integers(4, 9)),
    radius=st.integers(0, 3),
    lamb=st.sampled_from([1.0, 1.5]),
    collapsed=st.booleans(),
    masked=st.booleans(),
    seed=st.integers(0, 9),
)
def test_it_equals_its_definition(
    batch: int,
    clusters: int,
    others: int,
    size: tuple[int, int],
    radius: int,
    lamb: float,
    collapsed: bool,
    masked: bool,
    seed: int,
) -> None:
    first, second = maps(batch, clusters, *size, seed=seed), maps(batch, others, *size, seed=seed + 1)
    mask = torch.rand(batch, *size, generator=torch.Generator().manual_seed(seed)) < 0.8 if masked else None
    chosen: dict[str, Any] = {"radius": radius, "lamb": lamb, "collapsed": collapsed, "mask": mask}
    expected = definition.displaced_information(first, second, **chosen)
    assert displaced_information(first, second, **chosen).item() == pytest.approx(
        expected, abs=1e-12, rel=1e-9
    )


@pytest.mark.parametrize("collapsed", [False, True])
@pytest.mark.parametrize("others", [2, 3])
def test_gradients_are_those_of_finite_differences(collapsed: bool, others: int) -> None:
    def information(first: Tensor, second: Tensor) -> Tensor:
        return displaced_information(first, second, radius=2, lamb=1.5, collapsed=collapsed)

    inputs = [maps(2, 2, 5, 4).requires_grad_(), maps(2, others, 5, 4, seed=1).requires_grad_()]
    assert torch.autograd.gradcheck(information, inputs, eps=1e-6, atol=1e-7)


def test_more_clusters_and_images_than_are_transformed_at_once_give_the_same() -> None:
    first, second = maps(6, 70, 6, 7), maps(6, 70, 6, 7, seed=1)
    chosen: dict[str, Any] = {"radius": 1, "lamb": 1.0, "collapsed": False, "mask": None}
    expected = definition.displaced_information(first, second, **chosen)
    assert displaced_information(first, second, **chosen).item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("collapsed", [False, True])
def test_autocast_and_reduced_matrix_precision_have_no_part_in_it(collapsed: bool) -> None:
    first, second = (maps(4, 3, 16, 16, seed=seed, dtype=torch.float32).requires_grad_() for seed in range(2))
    plain = displaced_information(first, second, radius=3, collapsed=collapsed)
    gradients = torch.autograd.grad(plain, [first, second])
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            mixed = displaced_information(first, second, radius=3, collapsed=collapsed)
            assert torch.equal(mixed, plain)
            for one, other in zip(torch.autograd.grad(mixed, [first, second]), gradients, strict=True):
                assert torch.equal(one, other)
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(before)


def test_half_precision_maps_are_widened_first() -> None:
    first, second = (maps(2, 3, 8, 8, seed=seed, dtype=torch.bfloat16) for seed in range(2))
    value = displaced_information(first, second, radius=2)
    assert value.dtype == torch.float32
    assert torch.equal(value, displaced_information(first.float(), second.float(), radius=2))


@pytest.mark.parametrize("collapsed", [False, True])
def test_an_empty_mask_gives_nothing_to_learn(collapsed: bool) -> None:
    first, second = maps(2, 3, 8, 8).requires_grad_(), maps(2, 3, 8, 8, seed=1)
    mask = torch.zeros(2, 8, 8, dtype=torch.bool)
    value = displaced_information(first, second, radius=2, collapsed=collapsed, mask=mask)
    (gradient,) = torch.autograd.grad(value, [first])
    assert value.item() == pytest.approx(0, abs=1e-12)
    assert (gradient == 0).all()


@pytest.mark.parametrize("collapsed", [False, True])
@pytest.mark.parametrize("radius", [-1, 8])
def test_a_radius_beyond_the_map_is_refused(radius: int, collapsed: bool) -> None:
    with pytest.raises(ValueError, match="0 to 7"):
        displaced_information(maps(1, 2, 8, 9), maps(1, 2, 8, 9), radius=radius, collapsed=collapsed)


def test_displacements_are_told_apart_by_default_and_each_side_bounds_the_radius() -> None:
    first, second = maps(2, 3, 9, 4), maps(2, 3, 9, 4, seed=1)
    default = displaced_information(first, second, radius=2)
    assert torch.equal(default, displaced_information(first, second, radius=2, collapsed=False))
    with pytest.raises(ValueError, match="one of 0 to 3"):
        displaced_information(first, second, radius=4)
