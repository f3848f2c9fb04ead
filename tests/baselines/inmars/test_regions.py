from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from infoseg_bench.baselines.inmars.regions import RegionPooling


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), count=st.integers(1, 3), most=st.integers(0, 6))
def test_means_are_those_of_a_loop_over_images_and_regions(seed: int, count: int, most: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    regions = torch.randint(-1, most + 1, (count, 4, 5), generator=generator)
    regions[0, 0, 0] = 0
    maps = torch.rand(count, 2, 4, 5, generator=generator, dtype=torch.float64)
    expected = [
        maps[image, :, regions[image] == number].mean(dim=1)
        for image in range(count)
        for number in sorted(set(regions[image].flatten().tolist()) - {-1})
    ]
    pool = RegionPooling(regions)
    used = pool.share > 0
    assert int(used.sum()) == len(expected)
    assert torch.allclose(pool.share[used], torch.full((len(expected),), 1 / len(expected)))
    assert torch.allclose(pool(maps)[used], torch.stack(expected))
    assert (pool(maps)[~used] == 0).all()


def test_the_gradient_is_shared_evenly_within_a_region() -> None:
    regions = torch.tensor([[[0, 0, 1], [0, 0, -1]]])
    maps = torch.rand(1, 1, 2, 3, requires_grad=True)
    (gradient,) = torch.autograd.grad(RegionPooling(regions)(maps).sum(), [maps])
    assert gradient[0, 0].tolist() == [[0.25, 0.25, 1.0], [0.25, 0.25, 0.0]]
