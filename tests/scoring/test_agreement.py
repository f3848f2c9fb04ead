from __future__ import annotations

from fractions import Fraction
from math import comb, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from infoseg_bench.scoring.agreement import adjusted_rand_index, normalized_mutual_information
from tests.scoring.tables import count_tables, expand


@given(counts=count_tables())
def test_agreement_equals_that_of_scikit_learn(counts: np.ndarray) -> None:
    clusters, truth = expand(counts)
    assert adjusted_rand_index(counts) == pytest.approx(adjusted_rand_score(truth, clusters), abs=1e-12)
    oracle = normalized_mutual_info_score(truth, clusters, average_method="arithmetic")
    assert normalized_mutual_information(counts) == pytest.approx(oracle, abs=1e-12)


@given(counts=count_tables(), data=st.data())
def test_renaming_clusters_or_classes_changes_nothing(counts: np.ndarray, data: st.DataObject) -> None:
    rows = data.draw(st.permutations(range(counts.shape[0])))
    columns = data.draw(st.permutations(range(counts.shape[1])))
    renamed = counts[rows][:, columns]
    assert adjusted_rand_index(renamed) == adjusted_rand_index(counts)
    expected = normalized_mutual_information(counts)
    assert normalized_mutual_information(renamed) == pytest.approx(expected, abs=1e-12)


def test_agreement_of_a_hand_made_example() -> None:
    # scikit-learn's own example: truth 0 0 1 1, clusters 0 0 1 2.
    counts = np.array([[2, 0], [0, 1], [0, 1]])
    assert adjusted_rand_index(counts) == pytest.approx(4 / 7)
    assert normalized_mutual_information(counts) == pytest.approx(2 * log(2) / (log(2) + 1.5 * log(2)))


@pytest.mark.parametrize("counts", [[[7]], [[3, 0], [0, 4]], [[0, 5], [2, 0]]])
def test_identical_partitions_agree_fully(counts: list[list[int]]) -> None:
    assert adjusted_rand_index(np.array(counts)) == 1
    assert normalized_mutual_information(np.array(counts)) == pytest.approx(1, abs=1e-15)


def test_a_single_cluster_tells_nothing() -> None:
    counts = np.array([[30, 20, 50]])
    assert adjusted_rand_index(counts) == 0
    assert normalized_mutual_information(counts) == 0


def rand_by_definition(counts: np.ndarray) -> float:
    """Hubert and Arabie's formula in exact fractions."""

    def pairs(values: np.ndarray) -> int:
        return sum(comb(int(value), 2) for value in values.ravel())

    together, rows, columns = pairs(counts), pairs(counts.sum(axis=1)), pairs(counts.sum(axis=0))
    expected = Fraction(rows * columns, comb(int(counts.sum()), 2))
    return float((together - expected) / (Fraction(rows + columns, 2) - expected))


def test_billions_of_pixels_do_not_overflow() -> None:
    counts = np.array([[7, 2, 1], [1, 8, 3], [2, 0, 5]]) * 10**9
    assert adjusted_rand_index(counts) == pytest.approx(rand_by_definition(counts), rel=1e-14)
    small = normalized_mutual_information(counts // 10**9)
    assert normalized_mutual_information(counts) == pytest.approx(small, rel=1e-14)


def test_without_pixels_there_is_no_agreement() -> None:
    nothing = np.zeros((2, 2), dtype=np.int64)
    for measure in (adjusted_rand_index, normalized_mutual_information):
        with pytest.raises(ValueError, match="no pixels"):
            measure(nothing)
