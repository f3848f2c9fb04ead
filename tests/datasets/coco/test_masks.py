from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as official

from infoseg_bench.datasets.coco.masks import decode, encode, union
from tests.datasets.files import box, runs

masks = st.tuples(st.integers(1, 12), st.integers(1, 12)).flatmap(
    lambda size: arrays(np.bool_, size, elements=st.booleans())
)


@settings(deadline=None, max_examples=80)
@given(mask=masks)
def test_run_lengths_plain_and_packed_give_the_mask(mask: np.ndarray) -> None:
    height, width = mask.shape
    packed = official.encode(np.asfortranarray(mask.astype(np.uint8)))
    for counts in (runs(mask.astype(int)), packed["counts"].decode()):
        found = decode(encode({"size": [height, width], "counts": counts}, height, width))
        np.testing.assert_array_equal(found, mask)


def test_polygons_are_joined() -> None:
    found = decode(encode([*box(1, 1, 3, 3), *box(5, 0, 6, 8)], 8, 10))
    expected = np.zeros((8, 10), dtype=bool)
    expected[1:3, 1:3] = expected[:, 5:6] = True
    np.testing.assert_array_equal(found, expected)


def test_masks_of_one_photo_are_joined() -> None:
    joint = union([encode(box(0, 0, 2, 4), 4, 6), encode(box(1, 0, 3, 4), 4, 6)])
    assert decode(joint).sum() == 12


@pytest.mark.parametrize(
    ("segmentation", "message"),
    [
        (None, "neither polygons nor run lengths"),
        ([], "neither polygons nor run lengths"),
        ([[0, 0, 3, 3]], "three points"),
        ([[0, 0, 3, 3, 1]], "three points"),
        ([[0, 0, 3, 3, 1, float("nan")]], "finite"),
        ([[0, 0, 3, 3, 1, "2"]], "finite"),
        ([[0, 0, 1e9, 3, 1, 2]], "outside its photo"),
        ([[0, 0, 1, 3, 1, -1e9]], "outside its photo"),
        ({"size": [4, 4], "counts": [16]}, "of size"),
        ({"counts": [24]}, "of size None"),
        ({"size": [4, 6], "counts": [3, 3]}, "add up to 6"),
        ({"size": [4, 6], "counts": [3, 99]}, "add up to 102"),
        ({"size": [4, 6], "counts": [-3, 27]}, "whole numbers"),
        ({"size": [4, 6], "counts": [2.5]}, "whole numbers"),
        ({"size": [4, 6]}, "whole numbers"),
        ({"size": [4, 6], "counts": "zz\u00e9"}, "character"),
        ({"size": [4, 6], "counts": "0000"}, "add up to 0"),
    ],
)
def test_what_does_not_fit_the_photo_is_refused(segmentation: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        encode(segmentation, 4, 6)
