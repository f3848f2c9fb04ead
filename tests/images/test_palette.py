from __future__ import annotations

import numpy as np
import pytest

from infoseg_bench.images.palette import default_palette


@pytest.mark.parametrize("classes", [2, 7, 15, 30, 254])
def test_every_class_has_a_colour_of_its_own(classes: int) -> None:
    palette = default_palette(classes)
    assert len(set(palette)) == classes
    assert all(0 <= channel <= 255 for colour in palette for channel in colour)


def test_colours_do_not_change_with_the_number_of_classes() -> None:
    assert default_palette(30)[:15] == default_palette(15)


def test_thirty_colours_stay_apart() -> None:
    palette = np.array([(0, 0, 0), *default_palette(30)])
    distance = np.linalg.norm(palette[:, None] - palette[None], axis=-1) + 999 * np.eye(len(palette))
    assert distance.min() > 30
