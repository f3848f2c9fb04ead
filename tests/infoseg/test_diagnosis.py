from __future__ import annotations

import math

import pytest
import torch

from infoseg_bench.infoseg.diagnosis import label_free_figures, suspicions
from infoseg_bench.infoseg.network import Features


def figures(H: torch.Tensor, places: int = 12) -> dict[str, float]:
    """Take the figures of images each of whose places has the H of one class as its L."""
    batch, K, P = H.shape
    classes = torch.randint(K, (batch, places), generator=torch.Generator().manual_seed(1))
    L = H.gather(1, classes[:, :, None].expand(-1, -1, P)).transpose(1, 2).reshape(batch, P, 3, places // 3)
    return {name: float(value) for name, value in label_free_figures(Features(L=L, H=H), tau=5.0).items()}


def test_scores_that_say_nothing_hold_no_information() -> None:
    found = figures(torch.zeros(4, 3, 8))
    assert found["information"] == pytest.approx(0, abs=1e-6)
    assert found["assignment_entropy"] == pytest.approx(math.log(3))


def test_features_that_are_the_same_for_all_images_are_called_a_code_book() -> None:
    found = figures(1.28 * (torch.eye(3) - 1 / 3).expand(6, 3, 3))
    assert found["image_share"] == pytest.approx(0, abs=1e-6)
    assert found["information_with_mean_features"] == pytest.approx(found["information"])
    (line,) = suspicions(found)
    assert "code book" in line


def test_no_information_is_no_negative_zero() -> None:
    nothing = {"image_share": 0.0, "information": -1e-7, "information_with_mean_features": -1e-8}
    (line,) = suspicions(nothing)
    assert "0.00 of 0.00 nats" in line


def test_a_signature_loses_its_information_with_the_mean_features() -> None:
    generator = torch.Generator().manual_seed(0)
    H = torch.nn.functional.normalize(torch.randn(6, 3, 64, generator=generator), dim=2) * 3
    found = figures(H)
    assert found["image_share"] > 0.7
    assert found["information_with_mean_features"] < 0.5 * found["information"]
    assert not suspicions(found)
    assert 0 < found["information"] < 2 * math.log(2)
