from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from infoseg_bench.datasets.coco.stuff import ListRule


@given(
    counting=st.lists(st.tuples(st.integers(0, 255), st.integers(1, 256)), max_size=8),
    labels=arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9))),
)
def test_the_rule_counts_every_pixel_whose_code_counts(
    counting: list[tuple[int, int]], labels: np.ndarray
) -> None:
    codes = np.zeros(256, dtype=bool)
    for first, length in counting:
        codes[first : first + length] = True
    found = int(codes[labels].sum())
    exactly = ListRule(codes=codes, min_side=1, min_share=found / labels.size)
    more = ListRule(codes=codes, min_side=1, min_share=(found + 0.5) / labels.size)
    assert exactly.accepts(labels)
    assert not more.accepts(labels)


def test_a_photo_with_a_short_side_is_not_listed() -> None:
    rule = ListRule(codes=np.ones(256, dtype=bool), min_side=4, min_share=0.0)
    assert rule.accepts(np.zeros((4, 9), dtype=np.uint8))
    assert not rule.accepts(np.zeros((9, 3), dtype=np.uint8))
