from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from infoseg_bench.errors import UserError
from infoseg_bench.training.feature_kmeans import kmeans_centres
from infoseg_bench.training.feature_maps import nearness, sample_features


def stream(batches: int = 4) -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(0)
    return [
        (torch.randn(2, 5, 6, 6, generator=generator), torch.rand(2, 12, 12, generator=generator) < 0.5)
        for _ in range(batches)
    ]


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def test_the_published_sampling_gives_one_vector_per_batch_and_the_corrected_one_many() -> None:
    published = sample_features(stream(), 15, "published", generator())
    corrected = sample_features(stream(), 15, "corrected", generator())
    assert published.shape == corrected.shape == (120, 5)
    assert len(np.unique(published, axis=0)) == 4
    assert all(len(np.unique(part, axis=0)) == 1 for part in np.split(published, 4))
    assert len(np.unique(corrected, axis=0)) > 60


def test_only_pixels_that_count_are_drawn() -> None:
    maps = torch.zeros(1, 1, 8, 8)
    maps[..., 4:] = 1.0
    counted = torch.zeros(1, 8, 8, dtype=torch.bool)
    counted[..., 6:] = True
    assert sample_features([(maps, counted)], 50, "corrected", generator()).min() == 1.0
    assert len(sample_features([(maps, ~counted & False)], 50, "corrected", generator())) == 0


def test_the_published_pixel_is_one_of_the_first_that_count_as_many_as_the_batch_may_give() -> None:
    maps = torch.arange(64.0).view(1, 1, 8, 8)
    counted = torch.ones(1, 8, 8, dtype=torch.bool)
    counted[:, 0] = False
    drawn = {
        float(sample_features([(maps, counted)], 5, "published", torch.Generator().manual_seed(seed))[0, 0])
        for seed in range(60)
    }
    assert drawn == {8.0, 9.0, 10.0, 11.0, 12.0}
    assert len(sample_features([(maps, counted)], 100, "published", generator())) == 56


def test_pixels_are_drawn_uniformly() -> None:
    maps = torch.arange(16.0).view(1, 1, 4, 4)
    everywhere = torch.ones(1, 4, 4, dtype=torch.bool)
    drawn = sample_features([(maps, everywhere)], 16_000, "corrected", generator())[:, 0]
    shares = np.bincount(drawn.astype(int), minlength=16) / len(drawn)
    assert np.abs(shares - 1 / 16).max() < 0.01


def test_every_pixel_goes_to_the_centre_nearest_to_its_upsampled_feature() -> None:
    maps, centres = torch.randn(3, 5, 6, 6), torch.randn(4, 5)
    features = F.interpolate(maps, size=(12, 12), mode="bilinear", align_corners=False)
    expected = torch.cdist(features.permute(0, 2, 3, 1).flatten(0, 2), centres).argmin(dim=1).view(3, 12, 12)
    assert float((nearness(maps, centres, 12).argmax(dim=1) == expected).double().mean()) > 0.995


def test_assignment_keeps_float32_under_mixed_precision() -> None:
    maps, centres = torch.randn(3, 5, 6, 6), torch.randn(4, 5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(nearness(maps, centres, 12), plain := nearness(maps, centres, 12))
    assert torch.equal(plain, nearness(maps, centres, 12))


def test_centres_of_separate_groups_are_their_means_whatever_the_scale() -> None:
    random = np.random.default_rng(0)
    means = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]], np.float32)
    sample = np.repeat(means, 200, axis=0) + 0.1 * random.standard_normal((600, 2)).astype(np.float32)
    centres = kmeans_centres(sample, 3, seed=0)
    assert torch.cdist(torch.from_numpy(means), centres).min(dim=1).values.max() < 0.2
    assert torch.equal(centres, kmeans_centres(sample, 3, seed=0))


@pytest.mark.parametrize("sample", [np.ones((50, 3), np.float32), np.empty((0, 1), np.float32)])
def test_too_few_distinct_vectors_are_one_clear_line(sample: np.ndarray) -> None:
    with pytest.raises(UserError, match="fewer than 2 distinct values"):
        kmeans_centres(sample, 2, seed=0)
