from __future__ import annotations

import colorsys
from typing import Any

import pytest
import torch
from torch import Tensor

from infoseg_bench.images.color_jitter import color_jitter

NONE = {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "hue": 0.0}
IIC: dict[str, Any] = {"brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.125}


def photos(count: int = 4, channels: int = 3, side: int = 6, seed: int = 0) -> Tensor:
    return torch.rand(count, channels, side, side, generator=torch.Generator().manual_seed(seed))


def jitter(images: Tensor, *, seed: int = 0, **spans: float) -> Tensor:
    return color_jitter(images, **{**NONE, **spans}, generator=torch.Generator().manual_seed(seed))


def grey(pixel: list[float]) -> float:
    return 0.2989 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2]


def first_pixels(images: Tensor) -> list[list[float]]:
    pixels: list[list[float]] = images[:, :3, 0, 0].tolist()
    return pixels


def test_no_span_changes_nothing() -> None:
    assert torch.equal(jitter(photos()), photos())


def test_brightness_scales_every_image_by_one_factor_within_the_span() -> None:
    images = photos(200) * 0.5
    factors = jitter(images, brightness=0.4) / images
    assert float((factors.amax(dim=(1, 2, 3)) - factors.amin(dim=(1, 2, 3))).max()) < 1e-4
    means = factors.mean(dim=(1, 2, 3))
    assert 0.6 <= float(means.min()) < 0.65
    assert 1.35 < float(means.max()) <= 1.4


def test_contrast_keeps_the_mean_grey_and_scales_about_it() -> None:
    images = 0.4 + 0.2 * photos()
    changed = jitter(images, contrast=0.4)
    weights = torch.tensor([0.2989, 0.587, 0.114])[:, None, None]
    mean = (images * weights).sum(dim=1).mean(dim=(1, 2))
    factors = (changed - mean[:, None, None, None]) / (images - mean[:, None, None, None])
    assert torch.allclose(factors, factors.median(dim=-1)[0].median(dim=-1)[0][..., None, None], atol=1e-3)
    # The weights sum to 0.9999, as torchvision's do.
    assert torch.allclose((changed * weights).sum(dim=1).mean(dim=(1, 2)), mean, atol=1e-4)


def test_saturation_keeps_every_pixels_grey() -> None:
    images = 0.4 + 0.2 * photos()
    changed = jitter(images, saturation=0.4)
    assert not torch.allclose(changed, images)
    for before, after in zip(first_pixels(images), first_pixels(changed), strict=True):
        assert grey(after) == pytest.approx(grey(before), abs=1e-4)


def test_hue_turns_as_the_standard_library_does() -> None:
    images = photos(50)
    changed = jitter(images, hue=0.5)
    for before, after in zip(first_pixels(images), first_pixels(changed), strict=True):
        h, s, v = colorsys.rgb_to_hsv(*before)
        turned = colorsys.rgb_to_hsv(*after)[0] - h
        assert after == pytest.approx(colorsys.hsv_to_rgb((h + turned) % 1.0, s, v), abs=1e-5)


def test_one_image_turns_all_its_pixels_by_the_same_angle_within_the_span() -> None:
    images = 0.2 + 0.6 * photos(30)
    changed = jitter(images, hue=0.125)
    for before, after in zip(images, changed, strict=True):
        turns = [
            (
                colorsys.rgb_to_hsv(*after[:, y, x].tolist())[0]
                - colorsys.rgb_to_hsv(*before[:, y, x].tolist())[0]
                + 0.5
            )
            % 1.0
            - 0.5
            for y in range(2)
            for x in range(2)
        ]
        assert max(turns) - min(turns) < 1e-3
        assert abs(turns[0]) <= 0.1251


def test_grey_pixels_and_black_padding_have_no_hue_to_turn() -> None:
    images = torch.stack([torch.full((3, 4, 4), 0.5), torch.zeros(3, 4, 4)])
    assert torch.allclose(jitter(images, hue=0.5), images)


@pytest.mark.parametrize("spans", [IIC, {**IIC, "brightness": 3.0}])
def test_values_stay_within_zero_and_one_and_the_given_images_as_they_were(spans: dict[str, Any]) -> None:
    images = photos(50)
    before = images.clone()
    changed = jitter(images, **spans)
    assert 0 <= float(changed.min()) <= float(changed.max()) <= 1
    assert torch.equal(images, before)


def test_infrared_is_left_alone() -> None:
    images = photos(channels=4)
    changed = jitter(images, **IIC)
    assert torch.equal(changed[:, 3], images[:, 3])
    assert not torch.allclose(changed[:, :3], images[:, :3])


def test_images_of_a_batch_get_different_factors_and_orders() -> None:
    same = photos(1).expand(40, -1, -1, -1)
    assert len(torch.unique(jitter(same, **IIC)[:, 0, 0, 0])) == 40


def test_the_same_generator_gives_the_same_jitter() -> None:
    assert torch.equal(jitter(photos(), seed=3, **IIC), jitter(photos(), seed=3, **IIC))
    assert not torch.equal(jitter(photos(), seed=3, **IIC), jitter(photos(), seed=4, **IIC))


def test_mixed_precision_has_no_part_in_it() -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = jitter(photos(), **IIC)
    assert torch.equal(mixed, jitter(photos(), **IIC))


def test_without_knowing_which_images_are_adjusted_how_the_result_is_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    images = photos(20, channels=4)
    expected = jitter(images, **IIC)
    monkeypatch.setattr("infoseg_bench.images.color_jitter.host_knows", lambda values: False)
    torch.testing.assert_close(jitter(images, **IIC), expected)
