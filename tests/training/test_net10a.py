from __future__ import annotations

import pytest
import torch

from infoseg_bench.training.net10a import Net10aTrunk, TwoHeadNet10a


@pytest.mark.parametrize(("side", "trunk"), [(128, 60), (200, 96)])
def test_map_sizes_are_those_of_the_released_network(side: int, trunk: int) -> None:
    with torch.no_grad():
        assert Net10aTrunk(5, width=2)(torch.rand(1, 5, side, side)).shape[2:] == (trunk, trunk)


@pytest.mark.parametrize("side", [128, 200])
def test_corrected_padding_keeps_the_size_and_leaves_no_uniform_border(side: int) -> None:
    network = TwoHeadNet10a(5, 4, 3, width=2, padding="corrected").eval()
    with torch.no_grad():
        features = network.trunk(torch.rand(1, 5, side, side))
        raw = network.head_b.project(features)
    assert features.shape[2:] == raw.shape[2:] == (side // 2, side // 2)
    assert (raw[..., 0, :] != 0).any()


def test_either_head_is_asked_by_name() -> None:
    network = TwoHeadNet10a(3, 7, 2, width=2)
    images = torch.rand(2, 3, 32, 32)
    assert network(images, head="a").shape == (2, 7, 32, 32)
    assert network(images, head="b").shape == network(images).shape == (2, 2, 32, 32)


def test_the_published_width_has_about_four_and_a_half_million_convolution_weights() -> None:
    trunk = Net10aTrunk(5)
    weights = sum(m.weight.numel() for m in trunk.modules() if isinstance(m, torch.nn.Conv2d))
    assert weights == 9 * (5 * 64 + 64 * 128 + 128 * 256 + 256 * 256 + 256 * 512 + 512 * 512)
    assert trunk.out_channels == 512


def test_probabilities_cover_the_input_and_the_padded_border_is_uniform_before_interpolation() -> None:
    network = TwoHeadNet10a(3, 4, 5, width=2).eval()
    with torch.no_grad():
        probabilities = network(torch.rand(2, 3, 64, 64))
        raw = network.head_b.project(network.trunk(torch.rand(1, 3, 64, 64)))
    assert probabilities.shape == (2, 5, 64, 64)
    assert torch.allclose(probabilities.sum(dim=1), torch.ones(2, 64, 64), atol=1e-5)
    assert (raw[..., 0, :] == 0).all()
    assert (raw[..., 1, :] != 0).any()


def test_convolutions_start_with_kaiming_variance_and_batch_norm_at_identity() -> None:
    network = TwoHeadNet10a(3, 4, 5)
    layer = network.trunk[7]
    assert isinstance(layer, torch.nn.Conv2d)
    fan_in = layer.in_channels * 9
    assert float(layer.weight.detach().std()) == pytest.approx((2 / fan_in) ** 0.5, rel=0.02)
    norm = network.trunk[1]
    assert isinstance(norm, torch.nn.BatchNorm2d)
    assert (norm.weight == 1).all()
    assert (norm.bias == 0).all()
