from __future__ import annotations

import io
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.cells import cell_len
from rich.console import Console

from infoseg_bench.reporting.boards import make_boards
from infoseg_bench.reporting.leaderboard import latex_tables, leaderboard, markdown
from infoseg_bench.reporting.loaded_runs import read_runs
from infoseg_bench.reporting.main_table import main_tables
from infoseg_bench.reporting.page import diagnostics
from infoseg_bench.reporting.table import latex_text, percent, to_csv
from infoseg_bench.reporting.terminal import print_board
from tests.reporting.runs import add_run, counts_with, edit_record


def test_the_layout_of_table_1_has_the_papers_figures_beside_the_measured_ones(tmp_path: Path) -> None:
    add_run(tmp_path, dataset="coco-stuff-3", title="COCO-Stuff-3", last=counts_with(70))
    add_run(
        tmp_path, dataset="potsdam", title="Potsdam", last=counts_with(80), method="iic", method_title="IIC"
    )
    (found,) = main_tables(make_boards(read_runs(tmp_path)[0]))
    assert list(found.shown) == ["method", "COCO-Stuff-3", "COCO-Stuff-3, paper", "Potsdam", "Potsdam, paper"]
    rows = {row[0]: row[1:] for row in found.shown.to_numpy().tolist()}
    assert rows["InfoSeg, 100 steps"] == ["70.0", "73.8", "", ""]
    assert rows["IIC, 100 steps"] == ["", "", "80.0", "45.4"]
    assert rows["K-Means"] == ["not run", "52.2", "not run", "35.3"]
    assert rows["constant prediction"] == ["60.0", "", "60.0", ""]


def test_the_main_tables_csv_has_plain_numbers(tmp_path: Path) -> None:
    for seed, correct in enumerate((70, 80)):
        add_run(tmp_path, seed=seed, dataset="coco-stuff-3", title="Stuff", last=counts_with(correct))
    (found,) = main_tables(make_boards(read_runs(tmp_path)[0]))
    assert found.numbers is not None
    lines = pd.read_csv(io.StringIO(to_csv(found.numbers))).set_index("method")
    assert all(dtype.kind in "fi" for dtype in lines.dtypes)
    mine = lines.loc["InfoSeg, 100 steps"]
    assert mine["Stuff: pixel_accuracy_mean"] == pytest.approx(0.75)
    assert mine["Stuff: pixel_accuracy_std"] == pytest.approx(0.0707, abs=1e-4)
    assert (mine["Stuff: n"], mine["Stuff: published_pixel_accuracy"]) == (2, 0.738)
    assert any(note.startswith("Paper") for note in found.notes)
    assert lines.loc["constant prediction", "Stuff: pixel_accuracy_mean"] == 0.6


@pytest.mark.parametrize(
    ("facts", "words"),
    [({"crop": 64}, "64x64"), ({"train_images": 9}, "9 photos to train on"), ({}, "data cdcdcdcd")],
)
def test_two_stores_of_one_name_are_told_apart_by_what_differs(
    tmp_path: Path, facts: dict[str, int], words: str
) -> None:
    add_run(tmp_path, last=counts_with(70))
    add_run(tmp_path, last=counts_with(70), fingerprint="cd" * 32, **facts)  # type: ignore[arg-type]
    boards = make_boards(read_runs(tmp_path)[0])
    assert boards[1].title == f"My photos ({words})"
    assert f"## My photos ({words})" in markdown(boards[1])
    (found,) = main_tables(boards)
    assert list(found.shown) == ["method", *(board.title for board in boards)]
    assert not any(note.startswith("Paper") for note in found.notes)
    (alone,) = make_boards([*boards[0].loaded.values()])
    assert alone.title == "My photos"


def test_protocols_budgets_and_label_use_never_share_a_line(tmp_path: Path) -> None:
    add_run(tmp_path, last=counts_with(70))
    add_run(tmp_path, last=counts_with(75), steps=200)
    add_run(tmp_path, last=counts_with(80), label_use="mask", parameters={"mask": True})
    add_run(tmp_path, last=counts_with(90), protocol="published")
    corrected, published = main_tables(make_boards(read_runs(tmp_path)[0]))
    assert "corrected" in corrected.title
    assert "published" in published.title
    assert sorted(corrected.shown["My photos"][:-1]) == ["70.0", "75.0", "80.0"]
    assert list(published.shown["My photos"][:-1]) == ["90.0"]
    assert corrected.shown["method"].str.contains("uses labels: mask").sum() == 1


def test_a_collapsed_run_is_marked_in_the_main_table(tmp_path: Path) -> None:
    add_run(tmp_path, last=np.array([[[40, 60], [0, 0]]], dtype=np.int64), method="a", method_title="A")
    add_run(tmp_path, last=counts_with(70))
    (found,) = main_tables(make_boards(read_runs(tmp_path)[0]))
    assert list(found.shown["method"][:-1]) == ["InfoSeg, 100 steps", "A, 100 steps, collapsed"]


def test_a_board_of_methods_without_steps_has_a_main_table(tmp_path: Path) -> None:
    for name in ("mine", "yours"):
        add_run(tmp_path, last=counts_with(60), dataset=name, method="kmeans", steps=None)
    (found,) = main_tables(make_boards(read_runs(tmp_path)[0]))
    assert "steps" not in " ".join(found.shown.astype(str).to_numpy().ravel())


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
    assert "| Random CNN | 65.0 |" in markdown(board)
    assert "| reference |" in markdown(board)
    assert "not run" not in markdown(board)


HOSTILE = [r"a_b & 50 % $x^2$ #1 {\bf}~", "x | y\nz", "<b>", "Größe – ±"]  # noqa: RUF001


def latex_of(results: Path, name: str) -> list[str]:
    """The narrow and the wide table of a board whose names are given."""
    add_run(results, dataset="coco-stuff-3", last=counts_with(70), method_title=name, title=name)
    for seed in range(2):
        add_run(
            results, seed=seed, dataset="coco-stuff-3", method="iic", method_title="IIC", last=counts_with(80)
        )
    (board,) = make_boards(read_runs(results)[0])
    return [*latex_tables(board).values()]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_breaks_the_latex_table(tmp_path: Path, name: str) -> None:
    text, _ = latex_of(tmp_path, name)
    body = (
        text.partition(r"\begin{tabular}")[2]
        .partition(r"\midrule")[2]
        .partition(r"\bottomrule")[0]
        .strip()
        .splitlines()
    )
    assert len(body) == 3
    for line in body:
        assert line.endswith(r" \\")
        assert line.replace(r"\&", "").count("&") == 4
    assert r"\label{tab:coco-stuff-3--corrected--abababab}" in text
    assert text.count(r"\bfseries ") == 5
    caption = text.partition(r"\caption{")[2].partition("\n")[0]
    assert "allowbreak" not in caption
    for special in "_%#":
        assert special not in latex_text(name).replace(f"\\{special}", "")


@pytest.mark.skipif(
    shutil.which("pdflatex") is None, reason="no pdflatex: apt-get install texlive-latex-base"
)
def test_the_tables_compile_and_fit_a_column_and_a_page(tmp_path: Path) -> None:
    settings = {"assignment": "soft", "estimator": "jensen-shannon", "layer_weights": [1, 2], "P": 1024}
    for seed in range(2):
        for changes in ({}, {"assignment": "hard"}, {"estimator": "donsker-varadhan", "P": 96}):
            last, parameters = counts_with(60 + 13 * seed), {**settings, **changes}
            add_run(tmp_path / "0", seed=seed, dataset="coco-stuff-3", last=last, parameters=parameters)
    tables = [text for number, name in enumerate(HOSTILE) for text in latex_of(tmp_path / str(number), name)]
    (tmp_path / "paper.tex").write_text(
        r"\documentclass[twocolumn]{article}\begin{document}"
        + r"\clearpage ".join(tables)
        + r"\end{document}"
    )
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
        cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout, done.stdout


def test_a_table_of_many_rows_is_cut_and_says_so(tmp_path: Path) -> None:
    for steps in range(1, 4):
        add_run(tmp_path, last=counts_with(70 + steps), steps=steps)
    (board,) = make_boards(read_runs(tmp_path)[0])
    found = leaderboard(board, rows=2)
    assert list(found.shown["PA"]) == ["73.0", "72.0", "60.0"]
    assert any("2 rows of highest PA of 3" in note for note in found.notes)


def test_the_leading_rows_have_every_method_first(tmp_path: Path) -> None:
    for steps in range(1, 11):
        add_run(tmp_path, last=counts_with(89 + steps), steps=steps)
    add_run(tmp_path, last=counts_with(60), method="weak")
    (board,) = make_boards(read_runs(tmp_path)[0])
    assert list(board.leading(3)["method"]) == ["infoseg", "infoseg", "weak"]


@pytest.mark.parametrize("name", ["InfoSeg", "x" * 60, "<b>&amp;", "Größe 中"])
def test_a_board_on_the_terminal_fits_80_characters_without_html(tmp_path: Path, name: str) -> None:
    add_run(tmp_path, last=counts_with(70), method_title=name)
    add_run(tmp_path, last=counts_with(80), method="b", parameters={"some_long_setting": 1})
    add_run(tmp_path, last=counts_with(90), method="b", parameters={"some_long_setting": 2}, label_use="mask")
    add_run(tmp_path, last=counts_with(60), method="random-cnn", method_title="Random CNN")
    (board,) = make_boards(read_runs(tmp_path)[0])
    out = io.StringIO()
    print_board(board, Console(file=out))
    text = out.getvalue()
    assert max(map(cell_len, text.splitlines())) <= 80
    assert not re.search(r"&(lt|gt|amp);", text.replace(name, ""))
    assert len(re.findall(r"\bconstant", text.partition("InfoSeg is")[0])) >= 1
    for words in ("PA in %", "95 %", "mean IoU", "seeds", "steps", "note", "reference"):
        assert words in text
    rows = [line for line in text.splitlines() if re.match(r" *(\d|–) .*\d\.\d", line)]  # noqa: RUF001
    assert len(rows) == 4


@pytest.mark.parametrize("width", [30, 40, 50, 60, 70])
def test_a_board_on_a_narrow_terminal_leaves_columns_out_and_cuts_no_number(
    tmp_path: Path, width: int
) -> None:
    for seed in (0, 1):
        add_run(
            tmp_path, last=counts_with(70 + seed), seed=seed, steps=12345, method_title="A long name " * 3
        )
    (board,) = make_boards(read_runs(tmp_path)[0])
    out = io.StringIO()
    print_board(board, Console(file=out, force_terminal=True, no_color=True, width=width))
    lines = [re.sub(r"\x1b\[[\d;]*m", "", line).rstrip() for line in out.getvalue().splitlines()]
    assert max(map(cell_len, lines)) <= width
    (head,), (row,) = ([line for line in lines if word in line] for word in ("PA in %", "70.5 ± 0.7"))
    assert ("steps" in head) == ("12345" in row)
    left_out = " ".join(lines).partition("too narrow for: ")[2]
    for column in ("mean IoU", "95 %", "seeds", "steps"):
        assert (column in head) != (column in left_out)


def test_diagnostics_are_means_over_the_seeds_of_what_the_records_say(tmp_path: Path) -> None:
    for seed, value in enumerate((0.25, 0.75)):
        run = add_run(tmp_path, last=counts_with(70), seed=seed)
        edit_record(run, lambda record: record.update(diagnostics={"self_agreement": value}))  # noqa: B023
    add_run(tmp_path, last=counts_with(60), method="kmeans", method_title="K-Means", steps=None)
    (board,) = make_boards(read_runs(tmp_path)[0])
    assert diagnostics(board, 8).shown["self agreement"].to_list() == ["0.5", ""]


def test_a_data_set_may_be_called_method(tmp_path: Path) -> None:
    add_run(tmp_path, last=counts_with(70), title="method")
    (table,) = main_tables(make_boards(read_runs(tmp_path)[0]))
    assert [*table.shown["method"]] == ["InfoSeg, 100 steps", "constant prediction"]
    assert [*table.shown["data set method"]] == ["70.0", "60.0"]


def test_no_figure_is_minus_zero() -> None:
    assert percent([-1e-9, -0.004], [0.0, 0.01]) == ["0.0 ± 0.0", "-0.4 ± 1.0"]
