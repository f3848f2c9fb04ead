from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from infoseg_bench.data.centre_crop import centre_crop, crop_corner
from infoseg_bench.data.crops import PhotoIndex
from infoseg_bench.preparation.statistics import ClassBalance


@settings(deadline=None, max_examples=80)
@given(height=st.integers(1, 20), width=st.integers(1, 20), crop=st.integers(1, 20))
def test_the_same_pixels_are_cut_as_for_evaluation(height: int, width: int, crop: int) -> None:
    labels = (np.arange(height * width) % 251).astype(np.uint8).reshape(height, width)
    index = PhotoIndex(np.array([[height, width]]), np.array([0]))
    plan = index.centre(torch.tensor([0]), crop)
    expected = labels.ravel()[plan.index[plan.inside].numpy()]
    np.testing.assert_array_equal(centre_crop(labels, crop).ravel(), expected)


def test_the_corner_is_negative_where_padded() -> None:
    assert crop_corner(10, 5, 8) == (1, -2)


def test_balance_leaves_out_void_and_what_lies_outside_the_crop() -> None:
    labels = np.zeros((6, 6), dtype=np.uint8)
    labels[2:4, 2:4] = [[1, 1], [255, 0]]
    balance = ClassBalance(("a", "b"), crop=2)
    balance.add(labels)
    assert balance.counts.tolist() == [1, 2]
    assert balance.constant_accuracy == 2 / 3
    assert balance.summary() == {
        "pixels per class": "a 1, b 2; not scored 1",
        "class balance": "a 33.3%, b 66.7%",
        "constant prediction": "66.7% pixel accuracy",
    }
