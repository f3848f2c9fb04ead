from __future__ import annotations

import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from infoseg_bench.images.upsampling import upsampled_pixels, upsampled_window


def upsampled(maps: torch.Tensor, size: int) -> torch.Tensor:
    return F.interpolate(maps, size=(size, size), mode="bilinear", align_corners=False)


@settings(max_examples=30, deadline=None)
@given(
    rows=st.integers(1, 12),
    columns=st.integers(1, 12),
    size=st.integers(8, 24),
    corner=st.tuples(st.integers(0, 99), st.integers(0, 99)),
    side=st.integers(1, 8),
)
def test_windows_and_pixels_are_those_of_the_whole_upsampled_map(
    rows: int, columns: int, size: int, corner: tuple[int, int], side: int
) -> None:
    maps = torch.randn(2, 3, rows, columns, generator=torch.Generator().manual_seed(0))
    whole = upsampled(maps, size)
    top, left = (place % (size - side + 1) for place in corner)
    window = upsampled_window(maps, top, left, side, size)
    torch.testing.assert_close(window, whole[:, :, top : top + side, left : left + side])
    pixels = torch.tensor([[0, top, left], [1, top, left], [1, size - 1, 0]])
    torch.testing.assert_close(
        upsampled_pixels(maps, pixels, size),
        torch.stack([whole[image, :, row, column] for image, row, column in pixels.tolist()]),
    )
