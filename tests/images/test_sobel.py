from __future__ import annotations

import pytest
import torch

from infoseg_bench.images.sobel import append_sobel


def test_a_ramp_to_the_right_has_a_constant_horizontal_derivative_and_no_vertical_one() -> None:
    ramp = torch.arange(6.0).expand(1, 3, 6, 6) / 10
    out = append_sobel(ramp)
    assert out.shape == (1, 5, 6, 6)
    assert torch.equal(out[:, :3], ramp)
    # The published kernel [[1,0,-1],[2,0,-2],[1,0,-1]] is correlated, so a rise is negative: -4 * (0.1 * 2).
    assert out[0, 3, 2:-2, 2:-2].flatten().tolist() == pytest.approx([-0.8] * 4, abs=1e-5)
    assert out[0, 4, 2:-2, 2:-2].flatten().tolist() == pytest.approx([0.0] * 4, abs=1e-5)


def test_infrared_has_no_part_in_the_grey_image() -> None:
    images = torch.rand(1, 4, 8, 8)
    other = images.clone()
    other[:, 3] = 0
    assert torch.equal(append_sobel(images)[:, 4:], append_sobel(other)[:, 4:])
