from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from infoseg_bench.data.crops import CropPlan, PhotoIndex, draw_places, gather_images
from infoseg_bench.utils.randomness import generator

sides = st.integers(1, 13)
photo_sizes = st.lists(st.tuples(sides, sides), min_size=1, max_size=4)


class Photos:
    """Photos whose every pixel is another value, flat as in a store and one by one."""

    def __init__(self, sizes: list[tuple[int, int]], channels: int = 1) -> None:
        self.sizes = np.array(sizes, dtype=np.int32)
        areas = self.sizes.astype(np.int64).prod(axis=1)
        self.starts = np.cumsum(areas) - areas
        # One-based, so that no pixel looks like padding.
        self.numbers = np.arange(1, areas.sum() + 1)
        self.pixels = np.random.default_rng(0).integers(1, 256, (len(self.numbers), channels), dtype=np.uint8)
        self.index = PhotoIndex(self.sizes, self.starts)

    def __len__(self) -> int:
        return len(self.sizes)

    def photo(self, values: np.ndarray, number: int) -> np.ndarray:
        height, width = self.sizes[number].tolist()
        start = self.starts[number]
        return values[start : start + height * width].reshape(height, width, *values.shape[1:])

    def seen(self, plan: CropPlan) -> np.ndarray:
        """The pixels' numbers at every place of the crops, 0 where padded."""
        return np.where(plan.inside.numpy(), self.numbers[plan.index.numpy()], 0)


def padded(photo: np.ndarray, crop: int, fill: int = 0) -> np.ndarray:
    """The photo on a canvas at least as large as the crop; their middles, rounded down, fall together."""
    widths = []
    for side in photo.shape[:2]:
        canvas = max(side, crop)
        before = canvas // 2 - side // 2
        widths.append((before, canvas - side - before))
    return np.pad(photo, widths + [(0, 0)] * (photo.ndim - 2), constant_values=fill)


def centre(photo: np.ndarray, crop: int, fill: int = 0) -> np.ndarray:
    canvas = padded(photo, crop, fill)
    top, left = (side // 2 - crop // 2 for side in canvas.shape[:2])
    return canvas[top : top + crop, left : left + crop]


def every_crop(photo: np.ndarray, crop: int) -> dict[tuple[int, int], bytes]:
    canvas = padded(photo, crop)
    places = np.ndindex(canvas.shape[0] - crop + 1, canvas.shape[1] - crop + 1)
    return {
        (top, left): np.ascontiguousarray(canvas[top : top + crop, left : left + crop]).tobytes()
        for top, left in places
    }


@given(sizes=photo_sizes, crop=sides)
def test_a_centre_crop_is_the_middle_of_the_photo_padded_on_both_sides(
    sizes: list[tuple[int, int]], crop: int
) -> None:
    photos = Photos(sizes)
    seen = photos.seen(photos.index.centre(torch.arange(len(photos)), crop))
    for number in range(len(photos)):
        np.testing.assert_array_equal(seen[number], centre(photos.photo(photos.numbers, number), crop))


@pytest.mark.parametrize(
    ("side", "before", "after"), [(119, 5, 4), (127, 1, 0), (126, 1, 1), (121, 4, 3), (1, 64, 63)]
)
def test_odd_sides_are_padded_as_in_the_released_code(side: int, before: int, after: int) -> None:
    """Protocol 9: 119 pixels get 5 before and 4 after, 127 get 1 and 0; random crops are padded likewise."""
    photos = Photos([(side, 130), (130, side)])
    numbers = torch.arange(2)
    draws = draw_places(2, generator(0))
    for plan in (photos.index.centre(numbers, 128), photos.index.random(numbers, 128, draws)):
        rows, columns = plan.inside[0].any(dim=1), plan.inside[1].any(dim=0)
        expected = [False] * before + [True] * side + [False] * after
        assert rows.tolist() == expected
        assert columns.tolist() == expected


@given(sizes=photo_sizes, crop=sides, seed=st.integers(0, 1000))
def test_a_random_crop_is_a_crop_of_its_own_photo_centred_where_that_is_smaller(
    sizes: list[tuple[int, int]], crop: int, seed: int
) -> None:
    photos = Photos(sizes)
    seen = photos.seen(
        photos.index.random(torch.arange(len(photos)), crop, draw_places(len(photos), generator(seed)))
    )
    for number in range(len(photos)):
        crops = every_crop(photos.photo(photos.numbers, number), crop)
        assert seen[number].tobytes() in crops.values()


@given(size=st.tuples(st.integers(1, 7), st.integers(1, 7)), crop=st.integers(3, 5))
def test_every_position_of_a_random_crop_can_be_drawn(size: tuple[int, int], crop: int) -> None:
    photos = Photos([size])
    plan = photos.index.random(torch.zeros(1000, dtype=torch.int64), crop, draw_places(1000, generator(0)))
    drawn = {row.tobytes() for row in photos.seen(plan)}
    assert drawn == set(every_crop(photos.photo(photos.numbers, 0), crop).values())


def test_random_positions_are_uniform() -> None:
    photos = Photos([(9, 4)])
    plan = photos.index.random(torch.zeros(6000, dtype=torch.int64), 4, draw_places(6000, generator(0)))
    tops = np.bincount((photos.seen(plan)[:, 0, 0] - 1) // 4, minlength=6)
    # 1000 each are expected; five standard deviations of a binomial count are 144.
    assert np.abs(tops - 1000).max() < 144


@given(size=st.tuples(sides, sides), crop=sides, centred=st.booleans())
def test_inside_is_false_just_where_the_crop_reaches_over_the_border(
    size: tuple[int, int], crop: int, centred: bool
) -> None:
    photos = Photos([size])
    number = torch.zeros(1, dtype=torch.int64)
    plan = (
        photos.index.centre(number, crop)
        if centred
        else photos.index.random(number, crop, draw_places(1, generator(size[0])))
    )
    expected = centre(np.ones(size, dtype=bool), crop)
    np.testing.assert_array_equal(plan.inside[0].numpy(), expected)
    assert plan.index.min() >= 0
    assert plan.index.max() < size[0] * size[1]


@given(sizes=photo_sizes, crop=sides, channels=st.integers(1, 4))
def test_gathered_images_have_the_photos_colours_and_zeros_where_padded(
    sizes: list[tuple[int, int]], crop: int, channels: int
) -> None:
    photos = Photos(sizes, channels)
    numbers = torch.arange(len(photos)).flip(0)
    images = gather_images(torch.from_numpy(photos.pixels), photos.index.centre(numbers, crop))
    assert images.shape == (len(photos), channels, crop, crop)
    for image, number in zip(images.numpy(), numbers.tolist(), strict=True):
        expected = centre(photos.photo(photos.pixels, number), crop).transpose(2, 0, 1)
        np.testing.assert_array_equal(image, expected)


def test_the_same_photo_may_stand_in_a_batch_several_times() -> None:
    photos = Photos([(3, 3), (5, 6)])
    seen = photos.seen(photos.index.centre(torch.tensor([1, 0, 1]), 4))
    np.testing.assert_array_equal(seen[0], seen[2])
    np.testing.assert_array_equal(seen[1], centre(photos.photo(photos.numbers, 0), 4))


def test_an_empty_batch_gives_no_crops() -> None:
    photos = Photos([(3, 3)])
    plan = photos.index.centre(torch.zeros(0, dtype=torch.int64), 4)
    assert gather_images(torch.from_numpy(photos.pixels), plan).shape == (0, 1, 4, 4)
