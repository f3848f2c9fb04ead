from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from infoseg_bench.reporting.boards import make_boards
from infoseg_bench.reporting.grid import Grid, latex_text
from infoseg_bench.reporting.leaderboard import leaderboard, markdown
from infoseg_bench.reporting.loaded_runs import read_runs
from infoseg_bench.reporting.main_table import main_tables
from tests.reporting.runs import add_run, counts_with


def test_the_layout_of_table_1_has_the_papers_figures_beside_the_measured_ones(tmp_path: Path) -> None:
    add_run(tmp_path, dataset="coco-stuff-3", title="COCO-Stuff-3", last=counts_with(70))
    add_run(
        tmp_path, dataset="potsdam", title="Potsdam", last=counts_with(80), method="iic", method_title="IIC"
    )
    (grid,) = main_tables(make_boards(read_runs(tmp_path)[0]))
    assert grid.head == ("method", "COCO-Stuff-3", "paper", "Potsdam", "paper")
    rows = {row[0]: row[1:] for row in grid.body}
    assert rows["InfoSeg, 100 steps"] == ("70.0", "73.8", "", "")
    assert rows["IIC, 100 steps"] == ("", "", "80.0", "45.4")
    assert rows["K-Means"] == ("not run", "52.2", "not run", "35.3")
    assert rows["constant prediction"] == ("60.0", "", "60.0", "")


def test_protocols_budgets_and_label_use_never_share_a_line(tmp_path: Path) -> None:
    add_run(tmp_path, last=counts_with(70))
    add_run(tmp_path, last=counts_with(75), steps=200)
    add_run(tmp_path, last=counts_with(80), label_use="mask", parameters={"mask": True})
    add_run(tmp_path, last=counts_with(90), protocol="published")
    corrected, published = main_tables(make_boards(read_runs(tmp_path)[0]))
    assert "corrected" in corrected.title
    assert "published" in published.title
    assert sorted(row[1] for row in corrected.body[:-1]) == ["70.0", "75.0", "80.0"]
    assert [row[1] for row in published.body[:-1]] == ["90.0"]
    assert sum("uses labels: mask" in row[0] for row in corrected.body) == 1


def test_budgets_that_differ_are_said_to_above_the_board(tmp_path: Path) -> None:
    add_run(tmp_path, last=counts_with(70))
    (board,) = make_boards(read_runs(tmp_path)[0])
    assert "Budgets differ" not in markdown(board)
    add_run(tmp_path, last=counts_with(75), steps=200)
    (board,) = make_boards(read_runs(tmp_path)[0])
    assert "**Budgets differ (100, 200 steps)" in markdown(board)


def test_scores_of_a_step_selected_without_labels_stand_below_the_board(tmp_path: Path) -> None:
    for seed, correct in enumerate((80, 82)):
        add_run(tmp_path, last=counts_with(70), selected=counts_with(correct), seed=seed)
    (board,) = make_boards(read_runs(tmp_path)[0])
    assert (
        "PA 81.0 ± 1.4 at the steps that were selected without labels, by information: 20, 20."
        in markdown(board)
    )


def test_selected_scores_that_do_not_follow_from_their_counts_are_left_out(tmp_path: Path) -> None:
    folder = add_run(tmp_path, last=counts_with(70), selected=counts_with(80))
    assert not read_runs(tmp_path)[1]
    text = folder.record_file.read_text()
    folder.record_file.write_text(text.replace('"pixel_accuracy": 0.8,', '"pixel_accuracy": 0.9,'))
    runs, problems = read_runs(tmp_path)
    assert not runs
    assert "do not follow from its counts" in problems[0]


def test_reference_rows_are_marked_and_one_that_is_missing_is_named(tmp_path: Path) -> None:
    add_run(tmp_path, last=counts_with(70))
    (board,) = make_boards(read_runs(tmp_path)[0])
    assert "Reference row random-cnn: not run." in markdown(board)
    add_run(tmp_path, last=counts_with(65), method="random-cnn", method_title="Random CNN")
    (board,) = make_boards(read_runs(tmp_path)[0])
    assert "Random CNN (reference)" in markdown(board)
    assert "not run" not in markdown(board)


@pytest.mark.parametrize("name", [r"a_b & 50 % $x^2$ #1 {\bf}~", "x | y\nz", "<b>"])
def test_no_name_breaks_the_latex_table(tmp_path: Path, name: str) -> None:
    add_run(tmp_path, last=counts_with(70), method_title=name, title=name)
    (board,) = make_boards(read_runs(tmp_path)[0])
    grid = leaderboard(board, narrow=True)
    text = grid.latex()
    body = text.partition(r"\midrule")[2].partition(r"\bottomrule")[0].strip().splitlines()
    assert len(body) == 2
    for line in body:
        assert line.endswith(r" \\")
        assert line.replace(r"\&", "").count("&") == len(grid.head) - 1
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 1
    for special in "_%#":
        assert f"{special}" not in latex_text(name).replace(f"\\{special}", "")


def test_a_grid_is_read_back_from_its_csv() -> None:
    grid = Grid(title="t", head=("a", "b"), body=(('x,"y"', "1"), ("new\nline", "2")))
    assert list(csv.reader(io.StringIO(grid.csv()))) == [["a", "b"], ['x,"y"', "1"], ["new\nline", "2"]]
