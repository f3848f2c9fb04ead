"""Backbones of timm. They need the extra `features`; without it, only its absence is tested."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch

from infoseg_bench.baselines.features.features_kmeans import FeaturesKMeans
from infoseg_bench.baselines.features.timm_network import TimmNetwork
from infoseg_bench.baselines.features.weight_files import network_of
from infoseg_bench.errors import UsageError, UserError
from tests.baselines.features.test_features_kmeans import fitted, made


@pytest.fixture(scope="module")
def timm() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("timm", reason="no timm: pip install 'infoseg-bench[features]'")


def saved(timm: Any, file: Path, name: str) -> Path:
    """Write weights of a network with its classifier, as timm's own files have them."""
    torch.manual_seed(0)
    torch.save(timm.create_model(name, pretrained=False).state_dict(), file)
    return file


def test_without_timm_the_message_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    parameters = FeaturesKMeans.resolve("mini", {"weights": "random", "network": "convnext_atto"})
    with pytest.raises(UserError, match=r"timm is not installed: pip install 'infoseg-bench\[features\]'"):
        FeaturesKMeans.check_given(parameters)


@pytest.mark.parametrize("layer", [1, 3])
def test_a_transformer_of_timm_gives_the_features_of_our_own(timm: Any, layer: int) -> None:
    network = TimmNetwork("vit_tiny_patch16_224").eval()
    own = network_of(network.weights()).eval()
    images = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        torch.testing.assert_close(network(images, layer), own(images, layer), atol=1e-5, rtol=1e-5)
    assert (network.stride, network.depth) == (own.stride, own.depth)
    assert network(torch.randn(1, 3, 64, 96), layer).shape == (1, 192, 4, 6)


@pytest.mark.parametrize("layer", [1, 2])
def test_any_network_is_clustered_from_its_file_and_predicts_without_it(
    timm: Any, tmp_path: Path, layer: int
) -> None:
    file = saved(timm, tmp_path / "convnext.pth", "convnext_atto")
    method = fitted(tmp_path, made(file, network="convnext_atto", layer=layer, enlarge=2))
    images = torch.rand(2, 3, 32, 32)
    assert method.features(images).shape[-1] == 64 // (32 if layer == 1 else 16)
    other = made(method.parameters.weights or "", network="convnext_atto", layer=layer, enlarge=2)
    file.unlink()
    other.load_state(method.state())
    assert torch.equal(other.predict(images), method.predict(images))
    assert method.shown_title == "Features K-Means"


def test_an_untrained_network_is_drawn_with_the_seed(timm: Any, tmp_path: Path) -> None:
    first, second, third = (
        fitted(tmp_path, made("random", seed=seed, network="convnext_atto", pretrained=None))
        for seed in (0, 0, 1)
    )
    images = torch.rand(1, 3, 32, 32)
    assert torch.equal(first.features(images), second.features(images))
    assert not torch.equal(first.features(images), third.features(images))
    assert first.shown_title == "Random Features K-Means"


def test_what_does_not_fit_is_an_error_that_names_it(timm: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such network: did you mean convnext_tiny"):
        TimmNetwork("convnext_tinny")
    weights = saved(timm, tmp_path / "resnet.pth", "resnet10t")
    with pytest.raises(UserError, match="not those of convnext_atto with timm's names"):
        fitted(tmp_path, made(weights, network="convnext_atto"))
    with pytest.raises(UsageError, match="layer=5: this network has 4"):
        fitted(tmp_path, made("random", network="convnext_atto", pretrained=None, layer=5))
    with pytest.raises(UsageError, match=r"network=gmlp_ti16_224: .*224"):
        fitted(tmp_path, made("random", network="gmlp_ti16_224", pretrained=None))
