from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from hypothesis import given

from infoseg_bench.reporting.classes import confusion_csv, matched_confusion, row_shares
from infoseg_bench.scoring.matching import one_to_one
from infoseg_bench.scoring.scores import score
from tests.scoring.tables import count_tables


def names(counts: np.ndarray) -> list[str]:
    return [f"class {i}" for i in range(counts.shape[1])]


def rows(text: str) -> tuple[list[str], list[str], np.ndarray]:
    """Head, first column, and the numbers."""
    head, *body = csv.reader(io.StringIO(text))
    numbers = np.array([[int(cell) for cell in row[1:]] for row in body], dtype=np.int64)
    return head, [row[0] for row in body], numbers


@given(counts=count_tables())
def test_every_pixel_stands_once_in_the_row_of_its_true_class(counts: np.ndarray) -> None:
    head, first, numbers = rows(confusion_csv(matched_confusion(counts), names(counts)))
    assert head == ["true class", *names(counts), "(unmatched)"]
    assert first == names(counts)
    assert numbers.sum(axis=1).tolist() == counts.sum(axis=0).tolist()
    assert (numbers >= 0).all()


@given(counts=count_tables())
def test_the_diagonal_holds_the_matched_pixels(counts: np.ndarray) -> None:
    _, _, numbers = rows(confusion_csv(matched_confusion(counts), names(counts)))
    matching = one_to_one(counts)
    matched = sum(int(counts[k, c]) for k, c in enumerate(matching.classes.tolist()) if c >= 0)
    assert numbers.diagonal().sum() == matched
    assert matched / counts.sum() == pytest.approx(score(counts, matching).pixel_accuracy)


@given(counts=count_tables())
def test_each_column_is_the_cluster_that_was_matched_to_its_class(counts: np.ndarray) -> None:
    confusion = matched_confusion(counts)
    classes = one_to_one(counts).classes
    for cls in range(counts.shape[1]):
        np.testing.assert_array_equal(confusion[:, cls], counts[classes == cls].sum(axis=0))
    np.testing.assert_array_equal(confusion[:, -1], counts[classes < 0].sum(axis=0))


def test_a_small_example_has_true_classes_in_rows_and_predicted_ones_in_columns() -> None:
    # Cluster 0 is sky, cluster 2 is ground, cluster 1 is left over.
    counts = np.array([[5, 1], [2, 3], [0, 7]], dtype=np.int64)
    text = confusion_csv(matched_confusion(counts), ["sky", "ground"])
    assert text == "true class,sky,ground,(unmatched)\nsky,5,0,2\nground,1,7,3\n"


def test_class_names_that_csv_must_quote_are_read_back() -> None:
    classes = ["sky, cloudy", 'the "ground"', "a\nb"]
    _, first, _ = rows(confusion_csv(matched_confusion(np.eye(3, dtype=np.int64)), classes))
    assert first == classes


@given(counts=count_tables())
def test_shares_are_of_each_true_classs_pixels(counts: np.ndarray) -> None:
    head, *body = csv.reader(io.StringIO(confusion_csv(row_shares(matched_confusion(counts)), names(counts))))
    assert head == ["true class", *names(counts), "(unmatched)"]
    shares = np.array([[float(cell) for cell in row[1:]] for row in body])
    np.testing.assert_allclose(shares.sum(axis=1), counts.sum(axis=0) > 0)
