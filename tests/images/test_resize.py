from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from infoseg_bench.images.photos import read_photo
from infoseg_bench.images.resize import nearest_sources, scale_bilinear, scale_nearest, scaled_side
from tests.shared import SHARED, needs_shared

sides = st.integers(1, 90)
factors = st.one_of(st.sampled_from([0.33, 0.5, 0.25, 0.1, 1 / 3, 0.9, 1.5, 2.0]), st.floats(0.05, 2.5))


def opencv(image: np.ndarray, factor: float, interpolation: int) -> np.ndarray:
    return np.asarray(cv2.resize(image, None, fx=factor, fy=factor, interpolation=interpolation))


@settings(deadline=None, max_examples=150)
@given(height=sides, width=sides, factor=factors, seed=st.integers(0, 9))
def test_scaling_agrees_with_opencv(height: int, width: int, factor: float, seed: int) -> None:
    assume(round(height * factor) >= 1)
    assume(round(width * factor) >= 1)
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    expected = opencv(image, factor, cv2.INTER_LINEAR)
    found = scale_bilinear(image, factor)
    assert found.shape == expected.shape
    assert np.abs(found.astype(int) - expected).max() <= 1
    labels = np.ascontiguousarray(image[..., 0])
    np.testing.assert_array_equal(scale_nearest(labels, factor), opencv(labels, factor, cv2.INTER_NEAREST))


@needs_shared
def test_real_photos_agree_with_opencv() -> None:
    for path in sorted((SHARED / "data" / "coco" / "val2017").glob("*.jpg"))[:10]:
        image = read_photo(path, upright=False)
        expected = opencv(image, 0.33, cv2.INTER_LINEAR)
        assert np.abs(scale_bilinear(image, 0.33).astype(int) - expected).max() <= 1


def test_factor_one_gives_the_same_array() -> None:
    image = np.zeros((3, 4, 3), dtype=np.uint8)
    assert scale_bilinear(image, 1.0) is image
    assert scale_nearest(image[..., 0], 1.0).base is image


def test_halves_are_rounded_to_even() -> None:
    assert [scaled_side(side, 0.5) for side in (1 + 2, 5, 7)] == [2, 2, 4]
    assert scaled_side(640, 0.33) == 211
    assert nearest_sources(4, 0.5).tolist() == [0, 2]


def test_a_side_without_pixels_is_refused() -> None:
    with pytest.raises(ValueError, match=r"a side of 4 pixels scaled by 0\.1 is shorter than one pixel"):
        scale_nearest(np.zeros((4, 40), dtype=np.uint8), 0.1)
