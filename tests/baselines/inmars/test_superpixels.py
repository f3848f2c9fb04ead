from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import label

from infoseg_bench.baselines.inmars.superpixels import Superpixels


def photo(height: int, width: int, channels: int = 3) -> np.ndarray:
    """A smooth slope of grey with a little noise."""
    slope = np.linspace(0, 40, height)[:, None, None] + np.linspace(0, 200, width)[None, :, None]
    noise = np.random.default_rng(0).integers(0, 6, (height, width, channels))
    return np.asarray(slope + noise, dtype=np.uint8)


@pytest.mark.parametrize(("height", "width"), [(128, 128), (64, 64), (128, 256)])
def test_their_number_follows_from_the_photos_size(height: int, width: int) -> None:
    segments = Superpixels(segments=200).compute(photo(height, width))
    assert len(np.unique(segments)) == pytest.approx(200 * height * width / 128**2, rel=0.1)


def test_they_are_connected_and_numbered_from_zero() -> None:
    segments = Superpixels().compute(photo(64, 80))
    assert segments.min() == 0
    for number in range(segments.max() + 1):
        assert label(segments == number)[1] == 1


def test_they_follow_colour_where_compactness_lets_them() -> None:
    image = np.zeros((64, 64, 3), dtype=np.uint8)
    image[:, 29:] = (255, 40, 40)
    segments = Superpixels(segments=60, compactness=1.0).compute(image)
    assert not set(segments[:, :29].flat) & set(segments[:, 29:].flat)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_bands_beyond_red_green_and_blue_play_no_part(channels: int) -> None:
    image = photo(40, 50, channels)
    segments = Superpixels().compute(image)
    assert segments.dtype == np.int16
    changed = image.copy()
    changed[..., 3:] = 255 - changed[..., 3:]
    assert np.array_equal(Superpixels().compute(changed), segments)


def test_a_photo_smaller_than_a_superpixel_is_one() -> None:
    assert (Superpixels(segments=1).compute(photo(5, 4)) == 0).all()


def test_too_many_for_their_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="choose fewer"):
        Superpixels(segments=16000).compute(photo(200, 200))
