from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from infoseg_bench.data.centre_crop import centre_crop
from infoseg_bench.errors import UsageError
from infoseg_bench.preparation.shorter_side import ShorterSideOptions, shorter_side


@pytest.mark.parametrize(
    ("height", "width", "scaled"),
    [
        (480, 640, (320, 426)),  # torchvision cuts 426.67
        (427, 640, (320, 479)),
        (640, 427, (479, 320)),
        (1024, 2048, (320, 640)),
        (200, 200, (320, 320)),
        (320, 500, (320, 500)),
    ],
)
def test_the_shorter_side_is_scaled_as_torchvision_does(
    height: int, width: int, scaled: tuple[int, int]
) -> None:
    assert shorter_side(height, width, 320) == scaled


@given(st.integers(8, 80), st.integers(8, 80), st.integers(0, 3))
def test_a_stores_centre_crop_has_the_pixels_of_the_published_one(height: int, width: int, less: int) -> None:
    options = ShorterSideOptions(size=12, crop=12 - less)
    codes = np.arange(height * width, dtype=np.uint32).view(np.uint8)[: height * width].reshape(height, width)
    across, down = shorter_side(height, width, 12)[::-1]
    whole = Image.fromarray(codes).resize((across, down), Image.Resampling.NEAREST)
    # PiCIE data/coco_eval_dataset.py:79-84; torchvision's CenterCrop is the same.
    left, top = round((across - options.crop) / 2), round((down - options.crop) / 2)
    expected = np.asarray(whole.crop((left, top, left + options.crop, top + options.crop)))
    np.testing.assert_array_equal(centre_crop(options.scaled_labels(codes), options.crop), expected)


@given(st.integers(1, 80), st.integers(1, 80), st.integers(0, 3))
def test_cluster_maps_are_scaled_pixel_by_pixel_as_labels_are(height: int, width: int, less: int) -> None:
    options = ShorterSideOptions(size=12, crop=12 - less)
    codes = np.random.default_rng(0).integers(0, 256, (height, width), dtype=np.uint8)
    labels = options.scaled_labels(codes)
    np.testing.assert_array_equal(
        options.scaled_clusters(codes.astype(np.int64) << 40), labels.astype(np.int64) << 40
    )
    assert options.stored_size(height, width) == labels.shape


def test_a_stores_scaling_is_known_where_its_recipe_scales_the_shorter_side() -> None:
    stored = ShorterSideOptions(size=64, crop=48, filter="nearest")
    assert ShorterSideOptions.of_store({"source": None, "train": "none", **stored.model_dump()}) == stored
    assert ShorterSideOptions.of_store({"scale": 0.33, "crop": 48}) is None


def test_photos_are_scaled_by_either_filter_and_labels_never_mixed() -> None:
    photo = np.zeros((64, 64, 3), dtype=np.uint8)
    photo[:, ::2] = 200
    smooth = ShorterSideOptions(size=16, crop=16).scaled_photo(photo)
    picked = ShorterSideOptions(size=16, crop=16, filter="nearest").scaled_photo(photo)
    assert abs(int(smooth.mean()) - 100) <= 1
    assert set(np.unique(picked)) <= {0, 200}
    labels = ShorterSideOptions(size=16, crop=16).scaled_labels(photo[..., 0])
    np.testing.assert_array_equal(labels, picked[..., 0])


def test_the_crop_fits_into_the_shorter_side() -> None:
    with pytest.raises(UsageError, match=r"--crop 320: longer than the shorter side, --size 200"):
        ShorterSideOptions.parse({"size": 200}, "prepare cityscapes")
