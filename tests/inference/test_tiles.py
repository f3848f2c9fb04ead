from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from infoseg_bench.inference.tiled import BATCH, segment_tiled, spans

CPU = torch.device("cpu")


@given(length=st.integers(1, 500), side=st.integers(2, 130))
def test_tiles_keep_every_place_once_and_lie_within_the_photo(length: int, side: int) -> None:
    tiles = spans(length, side)
    assert [place for tile in tiles for place in range(tile.first, tile.end)] == list(range(length))
    for tile in tiles:
        assert tile.start <= tile.first < tile.end <= tile.start + side
        assert length <= side or 0 <= tile.start <= length - side


@given(height=st.integers(1, 70), width=st.integers(1, 70))
def test_a_method_that_looks_at_single_pixels_does_not_notice_the_tiles(height: int, width: int) -> None:
    image = np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8)
    batches = []

    def predict(images: torch.Tensor) -> torch.Tensor:
        batches.append(images.shape)
        return (images[:, 0] * 255).round().long()

    assert np.array_equal(segment_tiled(image, 16, predict, CPU), image[..., 0])
    assert all(shape[0] <= BATCH and shape[1:] == (3, 16, 16) for shape in batches)
