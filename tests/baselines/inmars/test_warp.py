from __future__ import annotations

import pytest
import torch

from infoseg_bench.baselines.inmars.warp import smooth_flow, warp


def maps() -> torch.Tensor:
    return torch.rand(2, 3, 6, 8, generator=torch.Generator().manual_seed(0))


def constant(columns: float, rows: float) -> torch.Tensor:
    return torch.tensor([float(columns), float(rows)])[None, :, None, None].expand(2, 2, 6, 8).contiguous()


def test_no_flow_changes_nothing() -> None:
    assert torch.allclose(warp(maps(), constant(0, 0)), maps(), atol=1e-6)


def test_whole_pixels_shift_the_map() -> None:
    moved = warp(maps(), constant(2, 1))
    assert torch.allclose(moved[..., :-1, :-2], maps()[..., 1:, 2:], atol=1e-5)
    assert torch.allclose(moved[..., 0, -1], maps()[..., 1, -1], atol=1e-5)


def test_half_a_pixel_mixes_neighbours() -> None:
    moved = warp(maps(), constant(0.5, 0))
    assert torch.allclose(moved[..., :-1], (maps()[..., :-1] + maps()[..., 1:]) / 2, atol=1e-5)


def test_beyond_the_border_there_is_nothing_if_so_asked() -> None:
    moved = warp(maps() + 1, constant(3, 0), mode="nearest", outside="zeros")
    assert (moved[..., -3:] == 0).all()
    assert torch.equal(moved[..., :-3], maps()[..., 3:] + 1)


def test_a_smooth_flow_passes_through_its_control_points() -> None:
    control = torch.randn(1, 2, 3, 3, generator=torch.Generator().manual_seed(0))
    flow = smooth_flow(control, (21, 21))
    assert torch.allclose(flow[..., ::10, ::10], control, atol=1e-5)
    steps = (flow[..., 1:] - flow[..., :-1]).abs().max()
    assert float(steps) < float((control[..., 1:] - control[..., :-1]).abs().max()) / 3


@pytest.mark.parametrize("sign", [1, -1])
def test_the_gradient_of_a_flow_points_to_the_brighter_side(sign: int) -> None:
    ramp = sign * torch.arange(8.0).expand(1, 1, 6, 8)
    flow = torch.zeros(1, 2, 6, 8, requires_grad=True)
    (gradient,) = torch.autograd.grad(warp(ramp, flow)[..., 1:-1].sum(), [flow])
    assert torch.allclose(gradient[:, 0, :, 1:-1], torch.full((1, 6, 6), float(sign)), atol=1e-5)
