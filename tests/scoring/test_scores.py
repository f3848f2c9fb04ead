from __future__ import annotations

import math
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, jaccard_score, recall_score

from infoseg_bench.scoring.matching import majority, one_to_one
from infoseg_bench.scoring.scores import constant_accuracy, score
from tests.scoring.tables import count_tables, expand


def test_scores_of_a_hand_made_example() -> None:
    # Clusters 0, 1, 2 stand for classes 1, 0, none; correct are 40 of class 0 and 30 of class 1.
    counts = np.array([[10, 30], [40, 5], [0, 15]])
    scores = score(counts, one_to_one(counts))
    assert scores.pixel_accuracy == 70 / 100
    assert scores.iou == (40 / (50 + 5), 30 / (50 + 10))
    assert scores.class_accuracy == (40 / 50, 30 / 50)
    assert scores.mean_iou == pytest.approx((40 / 55 + 30 / 60) / 2)
    assert scores.mean_class_accuracy == pytest.approx(0.7)
    assert score(counts, majority(counts)).pixel_accuracy == 85 / 100
    assert constant_accuracy(counts) == 50 / 100


@given(counts=count_tables())
def test_scores_equal_those_of_scikit_learn(counts: np.ndarray) -> None:
    clusters, truth = expand(counts)
    present = np.unique(truth)
    for matching in (one_to_one(counts), majority(counts)):
        predicted = matching.classes[clusters]
        scores = score(counts, matching)
        assert scores.pixel_accuracy == pytest.approx(accuracy_score(truth, predicted))
        recall = recall_score(truth, predicted, labels=present, average=None, zero_division=0)
        iou = jaccard_score(truth, predicted, labels=present, average=None, zero_division=0)
        np.testing.assert_allclose(np.array(scores.class_accuracy)[present], recall)
        np.testing.assert_allclose(np.array(scores.iou)[present], iou)
        assert scores.mean_iou == pytest.approx(iou.mean())
        assert scores.mean_class_accuracy == pytest.approx(recall.mean())


@given(counts=count_tables(), data=st.data())
def test_renaming_clusters_changes_no_score(counts: np.ndarray, data: st.DataObject) -> None:
    renamed = counts[data.draw(st.permutations(range(len(counts))))]
    for match in (one_to_one, majority):
        before, after = score(counts, match(counts)), score(renamed, match(renamed))
        for name, value in asdict(before).items():
            np.testing.assert_array_equal(value, asdict(after)[name])
    assert constant_accuracy(counts) == constant_accuracy(renamed)


@given(counts=count_tables())
def test_majority_is_never_below_one_to_one(counts: np.ndarray) -> None:
    many = score(counts, majority(counts)).pixel_accuracy
    assert many >= score(counts, one_to_one(counts)).pixel_accuracy
    assert many >= constant_accuracy(counts)


@given(counts=count_tables())
def test_every_score_is_a_share(counts: np.ndarray) -> None:
    for matching in (one_to_one(counts), majority(counts)):
        for value in asdict(score(counts, matching)).values():
            assert all(math.isnan(share) or 0 <= share <= 1 for share in np.atleast_1d(value))


def test_pixels_of_an_extra_cluster_are_wrong_and_never_dropped() -> None:
    perfect = np.diag([50, 30, 20])
    split = np.vstack([perfect, [0, 0, 0]])
    split[0, 0], split[3, 0] = 35, 15
    assert score(perfect, one_to_one(perfect)).pixel_accuracy == 1
    scores = score(split, one_to_one(split))
    assert scores.pixel_accuracy == 85 / 100
    assert scores.class_accuracy == (35 / 50, 1, 1)
    assert scores.iou == (35 / 50, 1, 1)


def test_a_class_without_a_pixel_is_left_out_of_the_means() -> None:
    counts = np.array([[8, 0, 0], [0, 0, 2], [2, 0, 0]])
    scores = score(counts, one_to_one(counts))
    assert math.isnan(scores.iou[1])
    assert math.isnan(scores.class_accuracy[1])
    assert scores.mean_iou == pytest.approx((8 / 10 + 2 / 2) / 2)
    assert scores.mean_class_accuracy == pytest.approx((8 / 10 + 2 / 2) / 2)


def test_a_matching_made_elsewhere_may_score_a_part() -> None:
    whole = np.array([[90, 10], [0, 50]])
    part = np.array([[2, 3], [0, 0]])
    assert score(part, one_to_one(whole)).pixel_accuracy == 2 / 5


def test_without_pixels_there_is_no_score() -> None:
    nothing = np.zeros((3, 2), dtype=np.int64)
    with pytest.raises(ValueError, match="no pixels"):
        score(nothing, one_to_one(nothing))
    with pytest.raises(ValueError, match="no pixels"):
        constant_accuracy(nothing)
