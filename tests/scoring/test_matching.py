from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given

from infoseg_bench.scoring.matching import UNMATCHED, majority, one_to_one
from tests.scoring.tables import count_tables


def best_by_brute_force(counts: np.ndarray) -> int:
    """The most correct pixels over every injective matching of the smaller side into the larger."""
    narrow = counts if counts.shape[0] <= counts.shape[1] else counts.T
    rows = range(len(narrow))
    choices = permutations(range(narrow.shape[1]), len(narrow))
    return max(sum(int(narrow[row, choice[row]]) for row in rows) for choice in choices)


@given(counts=count_tables())
def test_one_to_one_equals_brute_force_over_all_matchings(counts: np.ndarray) -> None:
    matching = one_to_one(counts)
    matched = matching.classes[matching.classes != UNMATCHED]
    assert len(set(matched.tolist())) == len(matched) == min(counts.shape)
    assert matching.histogram(counts).trace() == best_by_brute_force(counts)


@given(counts=count_tables())
def test_majority_takes_every_clusters_most_frequent_class(counts: np.ndarray) -> None:
    assert majority(counts).histogram(counts).trace() == counts.max(axis=1).sum()


@given(counts=count_tables())
def test_a_histogram_loses_no_pixel(counts: np.ndarray) -> None:
    for matching in (one_to_one(counts), majority(counts)):
        histogram = matching.histogram(counts)
        assert histogram.shape == (counts.shape[1] + 1, counts.shape[1])
        np.testing.assert_array_equal(histogram.sum(axis=0), counts.sum(axis=0))


def test_matchings_of_a_hand_made_example() -> None:
    counts = np.array([[5, 4], [4, 0], [1, 2]])
    assert one_to_one(counts).classes.tolist() == [1, 0, UNMATCHED]
    assert majority(counts).classes.tolist() == [0, 0, 1]
    assert one_to_one(counts).histogram(counts).tolist() == [[4, 0], [5, 4], [1, 2]]
    assert majority(counts).histogram(counts).tolist() == [[9, 4], [1, 2], [0, 0]]


def test_pixels_decide_and_not_shares() -> None:
    # Swapped, 80 pixels are right instead of 90, but the IoUs sum to 8/13 instead of 9/17.
    counts = np.array([[0, 40], [40, 90]])
    assert one_to_one(counts).classes.tolist() == [0, 1]


def test_a_cluster_without_a_pixel_has_no_majority() -> None:
    assert majority(np.array([[0, 0], [1, 3]])).classes.tolist() == [UNMATCHED, 1]


def test_fewer_clusters_than_classes_are_all_matched() -> None:
    assert one_to_one(np.array([[1, 0, 7]])).classes.tolist() == [2]


def test_counts_of_a_billion_pixels_are_matched_exactly() -> None:
    counts = np.array([[10**15 + 1, 10**15], [10**15, 10**15]])
    assert one_to_one(counts).classes.tolist() == [0, 1]
    assert one_to_one(counts[:, ::-1].copy()).classes.tolist() == [1, 0]


def test_a_matching_of_another_shape_is_refused() -> None:
    matching = one_to_one(np.eye(3, dtype=np.int64))
    for other in (np.ones((2, 3), dtype=np.int64), np.ones((3, 2), dtype=np.int64)):
        with pytest.raises(ValueError, match="does not fit"):
            matching.histogram(other)
