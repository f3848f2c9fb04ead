from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from infoseg_bench.scoring.dropped import as_in_stego


def written_out(predicted: np.ndarray, actual: np.ndarray, classes: int, extra: int) -> tuple[float, int]:
    """Score pixels one by one as the released evaluator does: a mask, counts, a matching with extra rows."""
    stats, dropped = np.zeros((classes + extra, classes), dtype=np.int64), 0
    for cluster, cls in zip(predicted, actual, strict=True):
        if cluster < classes:
            stats[cluster, cls] += 1
        else:
            dropped += 1
    rows, columns = linear_sum_assignment(stats, maximize=True)
    return float(stats[rows, columns].sum() / stats.sum()), dropped


@given(st.integers(0, 1000), st.integers(2, 5), st.integers(1, 4))
def test_it_scores_pixels_as_the_released_evaluator_does(seed: int, classes: int, extra: int) -> None:
    random = np.random.default_rng(seed)
    actual = random.integers(0, classes, 200)
    predicted = np.where(random.random(200) < 0.5, actual, random.integers(0, classes + extra, 200))
    counts = np.zeros((classes + extra, classes), dtype=np.int64)
    np.add.at(counts, (predicted, actual), 1)
    accuracy, dropped = written_out(predicted, actual, classes, extra)
    found = as_in_stego(counts)
    if dropped == 0:
        assert found is None
    else:
        assert found is not None
        assert found == pytest.approx((accuracy, dropped / 200))


def test_hard_pixels_in_an_extra_cluster_raise_its_score_and_not_ours() -> None:
    counts = np.array([[60, 0], [0, 10], [10, 20]])
    found = as_in_stego(counts)
    assert found is not None
    assert found == pytest.approx((1.0, 0.3))


@pytest.mark.parametrize("counts", [np.eye(3, dtype=np.int64), np.array([[0, 0], [0, 0], [3, 4]])])
def test_it_is_none_without_a_difference_and_without_pixels(counts: np.ndarray) -> None:
    assert as_in_stego(counts) is None
