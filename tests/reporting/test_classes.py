from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from infoseg_bench.reporting.boards import make_boards
from infoseg_bench.reporting.classes import class_frame, confusion_frame, matched_confusion, row_shares
from infoseg_bench.reporting.loaded_runs import read_runs
from infoseg_bench.scoring.matching import one_to_one
from infoseg_bench.scoring.scores import score
from tests.reporting.runs import add_run, counts_with
from tests.scoring.tables import count_tables


@given(counts=count_tables())
def test_every_pixel_stands_once_in_the_row_of_its_true_class(counts: np.ndarray) -> None:
    confusion = matched_confusion(counts)
    assert confusion.sum(axis=1).tolist() == counts.sum(axis=0).tolist()
    assert (confusion >= 0).all()


@given(counts=count_tables())
def test_the_diagonal_holds_the_matched_pixels(counts: np.ndarray) -> None:
    matching = one_to_one(counts)
    matched = sum(int(counts[k, c]) for k, c in enumerate(matching.classes.tolist()) if c >= 0)
    assert matched_confusion(counts).diagonal().sum() == matched
    assert matched / counts.sum() == pytest.approx(score(counts, matching).pixel_accuracy)


@given(counts=count_tables())
def test_each_column_is_the_cluster_that_was_matched_to_its_class(counts: np.ndarray) -> None:
    confusion = matched_confusion(counts)
    classes = one_to_one(counts).classes
    for cls in range(counts.shape[1]):
        np.testing.assert_array_equal(confusion[:, cls], counts[classes == cls].sum(axis=0))
    np.testing.assert_array_equal(confusion[:, -1], counts[classes < 0].sum(axis=0))


@given(counts=count_tables())
def test_shares_are_of_each_true_classs_pixels(counts: np.ndarray) -> None:
    shares = row_shares(matched_confusion(counts))
    np.testing.assert_allclose(shares.sum(axis=1), counts.sum(axis=0) > 0)


def test_a_small_example_has_true_classes_in_rows_and_predicted_ones_in_columns(tmp_path: Path) -> None:
    # Cluster 0 is sky, cluster 2 is ground, cluster 1 is left over.
    counts = np.array([[[5, 1], [2, 3], [0, 7]]], dtype=np.int64)
    run = add_run(tmp_path, last=counts, classes=["sky", "ground"])
    (board,) = make_boards(read_runs(tmp_path)[0])
    frame = confusion_frame(board, 9)
    assert set(frame["run"]) == {run.spec().identity}
    cells = frame.pivot(index="true_class", columns="predicted_class", values="pixels")
    assert cells.loc["sky"].to_dict() == {"sky": 5, "ground": 0, "(unmatched)": 2}
    assert cells.loc["ground"].to_dict() == {"sky": 1, "ground": 7, "(unmatched)": 3}
    assert frame.groupby("true_class")["share_of_true_class"].sum().to_list() == pytest.approx([1, 1])


def test_every_run_has_its_own_matrix_and_every_row_its_own_classes(tmp_path: Path) -> None:
    for method, correct in (("a", 70), ("b", 90)):
        for seed in range(2):
            add_run(tmp_path, method=method, method_title=method, seed=seed, last=counts_with(correct + seed))
    (board,) = make_boards(read_runs(tmp_path)[0])
    frame = confusion_frame(board, 9)
    right = frame[frame["true_class"] == frame["predicted_class"]].groupby(["label", "seed"])["pixels"].sum()
    assert right.to_dict() == {("a", 0): 70, ("a", 1): 71, ("b", 0): 90, ("b", 1): 91}
    classes = class_frame(board).groupby("label")["contribution"].sum()
    assert classes.to_dict() == pytest.approx({"a": 0.705, "b": 0.905})
