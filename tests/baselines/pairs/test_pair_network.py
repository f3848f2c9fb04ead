from __future__ import annotations

import torch

from infoseg_bench.baselines.pairs.pair_network import PairNetwork


def test_the_first_linear_layer_has_its_published_size_and_scales_with_its_parameters() -> None:
    with torch.device("meta"):
        published, small = PairNetwork(5, 9), PairNetwork(5, 9, patch=5, branch=4, hidden=8)
    assert published.join.weight.numel() == 253_755_392
    assert small.join.weight.numel() == 2 * 4 * 25 * 8


def test_both_windows_go_through_the_same_branch() -> None:
    network = PairNetwork(3, 2, width=2, patch=5, branch=4, hidden=8).eval()
    images = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        same = network(images, (10, 10), (10, 10))
        half = network.join.in_features // 2
        network.join.weight.copy_(network.join.weight.roll(half, dims=1))
        torch.testing.assert_close(network(images, (10, 10), (10, 10)), same)


def test_a_prediction_depends_on_both_places() -> None:
    network = PairNetwork(3, 2, width=2, patch=5, branch=4, hidden=8).eval()
    images = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        at = network(images, (10, 10), (20, 20))
        assert not torch.allclose(at, network(images, (11, 10), (20, 20)))
        assert not torch.allclose(at, network(images, (10, 10), (20, 14)))
