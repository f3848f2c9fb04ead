from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from infoseg_bench.reporting.boards import Board, make_boards
from infoseg_bench.reporting.bootstrap import RESAMPLES, resample_images
from infoseg_bench.reporting.lead import headline, lead
from infoseg_bench.reporting.loaded_runs import read_runs
from tests.reporting.runs import add_run, counts_with


def images(accuracies: list[float]) -> np.ndarray:
    """Counts of images of 100 pixels each, two classes, with these accuracies under the obvious matching."""
    right = [round(100 * share) for share in accuracies]
    return np.array([[[r // 2, 100 - r], [0, r - r // 2]] for r in right], dtype=np.int64)


WORSE = np.array([[[20, 30], [20, 30]]])
"""Half of the pixels right, where the constant prediction has 60 % of them."""


def ends(board: Board) -> pd.DataFrame:
    return board.rows[["pixel_accuracy_low", "pixel_accuracy_high"]]


def test_the_interval_of_many_images_is_that_of_the_mean(tmp_path: Path) -> None:
    accuracies = np.random.default_rng(0).uniform(0.6, 1.0, 400).round(2)
    add_run(tmp_path, last=images(list(accuracies)))
    (board,) = make_boards(read_runs(tmp_path)[0])
    low, high = ends(board).iloc[0]
    error = accuracies.std() / np.sqrt(len(accuracies))
    assert low == pytest.approx(accuracies.mean() - 1.96 * error, abs=0.003)
    assert high == pytest.approx(accuracies.mean() + 1.96 * error, abs=0.003)


def test_images_that_score_alike_leave_no_doubt_and_seeds_that_differ_do(tmp_path: Path) -> None:
    for seed, share in enumerate((0.6, 0.8)):
        add_run(tmp_path, seed=seed, last=images([share] * 5))
    add_run(tmp_path, last=images([0.7] * 5), method="other")
    (board,) = make_boards(read_runs(tmp_path)[0])
    intervals = ends(board).set_index(board.rows["method"])
    assert tuple(intervals.loc["other"]) == pytest.approx((0.7, 0.7))
    assert tuple(intervals.loc["infoseg"]) == pytest.approx((0.6, 0.8))


def test_the_same_runs_give_the_same_draws_whatever_else_is_on_the_board(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    for seed in range(3):
        add_run(tmp_path, seed=seed, last=images(list(rng.uniform(0.5, 1, 9))))
    (alone,) = make_boards(read_runs(tmp_path)[0])
    add_run(tmp_path, last=images(list(rng.uniform(0.5, 1, 9))), method="other")
    (together,) = make_boards(read_runs(tmp_path)[0])
    place = list(together.rows["method"]).index("infoseg")
    np.testing.assert_array_equal(alone.draws[0], together.draws[place])


def test_runs_are_scored_on_the_same_draws_so_that_a_constant_distance_stays_one(tmp_path: Path) -> None:
    shares = np.random.default_rng(2).uniform(0.5, 0.9, 30).round(2)
    add_run(tmp_path, last=images(list(shares)), method="a")
    add_run(tmp_path, last=images(list(shares + 0.1)), method="b")
    runs, _ = read_runs(tmp_path)
    first, second = resample_images([run.correct for run in runs], [run.pixels for run in runs])
    assert first.shape == (RESAMPLES,)
    np.testing.assert_allclose(second - first, 0.1, atol=1e-9)
    (board,) = make_boards(runs)
    found = lead(board)
    assert found is not None
    assert found.leader["method"] == "b"
    assert (found.low, found.high) == pytest.approx((0.1, 0.1))
    assert "10.0 points ahead" in headline(board)
    assert "clear of zero)" in headline(board)


def test_correct_pixels_add_up_to_the_pa(tmp_path: Path) -> None:
    counts = np.random.default_rng(3).integers(0, 9, (6, 5, 3)).astype(np.int64)
    add_run(tmp_path, last=counts)
    ((run,), _) = read_runs(tmp_path)
    assert run.record.last is not None
    share = run.correct.sum() / run.pixels.sum()
    assert share == pytest.approx(run.record.last.one_to_one.pixel_accuracy)


def test_a_row_that_used_labels_never_leads(tmp_path: Path) -> None:
    add_run(tmp_path, last=counts_with(95), method="masked", method_title="Masked", label_use="mask")
    add_run(tmp_path, last=counts_with(70))
    add_run(tmp_path, last=counts_with(60), method="other", method_title="Other")
    (board,) = make_boards(read_runs(tmp_path)[0])
    assert headline(board).startswith("InfoSeg is first with 70.0 % PA, 10.0 points ahead of Other (")
    assert "10.0 points above the constant prediction" in headline(board)


def test_a_collapsed_row_and_a_reference_never_lead(tmp_path: Path) -> None:
    add_run(tmp_path, last=counts_with(95), method="random-cnn", method_title="Random CNN")
    add_run(tmp_path, last=np.array([[[40, 60], [0, 0]]]), method="a", method_title="A")
    add_run(tmp_path, last=counts_with(70))
    (board,) = make_boards(read_runs(tmp_path)[0])
    found = lead(board)
    assert found is not None
    assert found.leader["method_title"] == "InfoSeg"
    assert "25.0 points below Random CNN (95.0 %)" in headline(board)


def test_one_method_alone_leads_nothing(tmp_path: Path) -> None:
    add_run(tmp_path, last=counts_with(70))
    (board,) = make_boards(read_runs(tmp_path)[0])
    assert headline(board).startswith("InfoSeg reaches 70.0 % PA; no other method was run")
    assert "lead" not in headline(board)


def test_a_board_where_nobody_beats_the_constant_says_so_first(tmp_path: Path) -> None:
    add_run(tmp_path, last=WORSE)
    add_run(tmp_path, last=WORSE, method="other", method_title="Other")
    (board,) = make_boards(read_runs(tmp_path)[0])
    assert headline(board).startswith("No method beats the constant prediction (60.0 % PA).")
    assert "10.0 points below the constant prediction" in headline(board)


def test_a_board_of_nothing_but_such_rows_has_no_leader(tmp_path: Path) -> None:
    add_run(tmp_path, last=counts_with(95), label_use="mask")
    (board,) = make_boards(read_runs(tmp_path)[0])
    assert lead(board) is None
    assert "No method leads" in headline(board)


def test_the_headline_names_no_leader_over_a_row_of_another_budget(tmp_path: Path) -> None:
    add_run(tmp_path, last=images([0.9] * 30), method="a", method_title="A", steps=200)
    other = add_run(tmp_path, last=images([0.6] * 30), method="b", method_title="B", steps=100)
    (board,) = make_boards(read_runs(tmp_path)[0])
    assert headline(board).startswith("A is first with 90.0 % PA, 30.0 points ahead of B (")
    assert "200 against 100 steps, so not a fair comparison" in headline(board)
    shutil.rmtree(other.path)
    add_run(tmp_path, last=images([0.6] * 30), method="b", method_title="B", steps=None)
    (board,) = make_boards(read_runs(tmp_path)[0])
    assert headline(board).startswith("A leads with 90.0 % PA")
    assert "steps" not in headline(board)
