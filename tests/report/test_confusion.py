from __future__ import annotations

import csv
import io
import tempfile
import warnings

import numpy as np
import pytest
from hypothesis import given
from PIL import Image

from infoseg_bench.report.confusion import confusion_csv, confusion_figure, matched_confusion
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


def png(counts: np.ndarray, classes: list[str], title: str = "a title") -> bytes:
    with tempfile.TemporaryFile() as out:
        confusion_figure(counts, classes, title, out)
        out.seek(0)
        return out.read()


@given(counts=count_tables())
def test_every_pixel_stands_once_in_the_row_of_its_true_class(counts: np.ndarray) -> None:
    head, first, numbers = rows(confusion_csv(counts, names(counts)))
    assert head == ["true class", *names(counts), "(unmatched)"]
    assert first == names(counts)
    assert numbers.sum(axis=1).tolist() == counts.sum(axis=0).tolist()
    assert (numbers >= 0).all()


@given(counts=count_tables())
def test_the_diagonal_holds_the_matched_pixels(counts: np.ndarray) -> None:
    _, _, numbers = rows(confusion_csv(counts, names(counts)))
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
    text = confusion_csv(counts, ["sky", "ground"])
    assert text == "true class,sky,ground,(unmatched)\nsky,5,0,2\nground,1,7,3\n"


def test_class_names_that_csv_must_quote_are_read_back() -> None:
    classes = ["sky, cloudy", 'the "ground"', "a\nb"]
    _, first, _ = rows(confusion_csv(np.eye(3, dtype=np.int64), classes))
    assert first == classes


def test_the_figure_is_a_picture_with_content() -> None:
    content = png(np.array([[50, 3], [2, 45]], dtype=np.int64), ["sky", "ground"])
    with Image.open(io.BytesIO(content)) as image:
        assert image.format == "PNG"
        pixels = np.asarray(image.convert("L"))
    assert min(pixels.shape) > 200
    assert len(np.unique(pixels)) > 20
    assert 0.05 < (pixels < 250).mean() < 0.95


def test_the_same_counts_give_the_same_picture_and_others_another() -> None:
    counts = np.array([[50, 3], [2, 45]], dtype=np.int64)
    assert png(counts, ["sky", "ground"]) == png(counts.copy(), ["sky", "ground"])
    assert png(counts, ["sky", "ground"]) != png(counts + 20, ["sky", "ground"])


@pytest.mark.parametrize("shape", [(1, 1), (1, 3), (4, 2), (15, 15), (27, 27)])
def test_any_number_of_clusters_and_classes_can_be_drawn(shape: tuple[int, int]) -> None:
    counts = np.random.default_rng(0).integers(0, 9, shape).astype(np.int64)
    counts[0, 0] = 9
    with Image.open(io.BytesIO(png(counts, names(counts)))) as image:
        image.verify()


def test_a_class_that_does_not_occur_can_be_drawn() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert png(np.array([[5, 0], [3, 0]], dtype=np.int64), ["sky", "ground"])


@pytest.mark.parametrize("name", ["$5 to $x_{", "$x_{$", r"\frac{", "a_b^c", "Größe ±", "<b>", ""])
def test_any_name_can_be_drawn(name: str) -> None:
    assert png(np.eye(2, dtype=np.int64), [name, "ground"], title=name)
