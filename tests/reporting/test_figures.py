from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from infoseg_bench.reporting.balance import balance_figure, balance_grid, class_shares, contributions
from infoseg_bench.reporting.boards import Board, make_boards
from infoseg_bench.reporting.curves import curves_figure
from infoseg_bench.reporting.lead_figure import lead_figure
from infoseg_bench.reporting.loaded_runs import read_runs
from infoseg_bench.reporting.rows import pixel_accuracy
from infoseg_bench.reporting.shown import leading, left_out
from tests.reporting.runs import add_run, counts_with

SVG = "{http://www.w3.org/2000/svg}"


def board(results: Path) -> Board:
    (only,) = make_boards(read_runs(results)[0])
    return only


def circles(figure: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(figure).iter(f"{SVG}circle"))


def test_every_seed_has_its_curve_with_last_and_best_marked(tmp_path: Path) -> None:
    for seed in range(2):
        run = add_run(tmp_path, seed=seed, last=counts_with(70), best=counts_with(90))
        points = [(0, 0.5), (10, 0.9), (100, 0.7)]
        lines = [{"step": step, "pixel_accuracy": share} for step, share in points]
        lines += [{"step": step, "loss": 1 / (1 + step)} for step in range(100)]
        run.curve_file.write_text("\n".join(map(json.dumps, lines)))
    shown = board(tmp_path)
    figure = curves_figure(shown, shown.rows[0])
    assert figure is not None
    assert len(list(ElementTree.fromstring(figure).iter(f"{SVG}polyline"))) == 4
    marks = circles(figure)
    assert [mark.get("fill") == "none" for mark in marks] == [False, True, False, True]
    last, best = marks[:2]
    assert float(last.get("cx", "")) > float(best.get("cx", ""))
    assert float(last.get("cy", "")) > float(best.get("cy", ""))


def test_a_row_without_a_curve_has_no_figure(tmp_path: Path) -> None:
    add_run(tmp_path, last=counts_with(70))
    shown = board(tmp_path)
    assert curves_figure(shown, shown.rows[0]) is None


def test_contributions_add_up_to_the_pa_and_shares_to_one(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 50, (4, 5, 5))
    for seed in range(2):
        # Another clustering of the same pixels.
        add_run(tmp_path, seed=seed, last=rng.permutation(images, axis=1).astype(np.int64))
    shown = board(tmp_path)
    (row,) = shown.rows
    assert contributions(row).sum() == pytest.approx(row.spread(pixel_accuracy).mean)
    assert class_shares(shown).sum() == pytest.approx(1)
    grid = balance_grid(shown, [row])
    sizes = [float(line[1]) for line in grid.body]
    assert sizes == sorted(sizes, reverse=True)
    assert grid.body[-1][2] == "100.0"
    assert grid.body[-1][3].startswith("100 % of")
    assert len(list(ElementTree.fromstring(balance_figure(shown, [row])).iter(f"{SVG}rect"))) == 5


def test_the_lead_has_a_dot_per_row_further_right_for_a_higher_pa(tmp_path: Path) -> None:
    for correct, method in ((70, "a"), (90, "b"), (80, "c")):
        add_run(tmp_path, last=counts_with(correct), method=method)
    shown = board(tmp_path)
    places = [float(mark.get("cx", "")) for mark in circles(lead_figure(shown, list(shown.rows)))]
    assert places == sorted(places, reverse=True)


def test_on_a_large_board_every_method_is_shown_first_and_what_is_not_is_said(tmp_path: Path) -> None:
    for steps in range(1, 11):
        add_run(tmp_path, last=counts_with(89 + steps), steps=steps)
    add_run(tmp_path, last=counts_with(60), method="weak")
    shown = board(tmp_path)
    rows = leading(shown, 3)
    assert [row.first.spec.method for row in rows] == ["infoseg", "infoseg", "weak"]
    assert "Of 11 rows" in left_out(shown)
    assert "figures of 3 more" in left_out(shown)
