"""Rows that start from pre-trained weights are ranked apart."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from infoseg_bench.records.record import read_record
from infoseg_bench.records.results_table import load_results
from infoseg_bench.records.verification import verify_results
from infoseg_bench.reporting.boards import Board, make_boards
from infoseg_bench.reporting.lead import headline, lead
from infoseg_bench.reporting.leaderboard import latex_tables, leaderboard, leaderboard_csv, markdown
from infoseg_bench.reporting.loaded_runs import read_runs
from infoseg_bench.reporting.main_table import main_tables
from infoseg_bench.reporting.terminal import print_board
from infoseg_bench.reporting.write import write_report
from tests.reporting.runs import add_run, counts_with, edit_record

DINO = "DINO ViT-S/16, trained on ImageNet"
SHOWN = f"pre-trained: {DINO}"


@pytest.fixture
def board(tmp_path: Path) -> Board:
    add_run(tmp_path, last=counts_with(70))
    add_run(tmp_path, last=counts_with(65), method="b", method_title="B")
    add_run(tmp_path, last=counts_with(95), method="f", method_title="F", pretrained=DINO)
    add_run(tmp_path, last=counts_with(90), method="g", method_title="G", pretrained="X, trained on Y")
    (made,) = make_boards(read_runs(tmp_path)[0])
    return made


def test_each_track_has_ranks_of_its_own_and_from_scratch_comes_first(board: Board) -> None:
    for by in ("pixel_accuracy", "mean_iou"):
        table = leaderboard(board, by=by)
        assert [*table.shown["rank"]] == ["1", "2", "", "p1", "p2"]
        assert [*table.shown["method"]] == [
            "InfoSeg", "B", "constant prediction", f"F ({SHOWN})", "G (pre-trained: X, trained on Y)",
        ]  # fmt: skip
        assert table.best == {0}
        assert any("ranked apart" in note for note in table.notes)


def test_a_pre_trained_row_never_leads_and_is_named_beside_the_leader(board: Board) -> None:
    found = lead(board)
    assert found is not None
    assert found.leader["method_title"] == "InfoSeg"
    assert found.second is not None
    assert found.second["method_title"] == "B"
    assert headline(board).startswith("InfoSeg is first with 70.0 % PA, 5.0 points ahead of B (")
    assert headline(board).endswith(f" Ranked apart, F ({SHOWN}) reaches 95.0 % PA.")


def test_a_board_of_pre_trained_rows_has_no_leader(tmp_path: Path) -> None:
    add_run(tmp_path, last=counts_with(95), pretrained=DINO)
    (board,) = make_boards(read_runs(tmp_path)[0])
    assert lead(board) is None
    assert headline(board).startswith("No method leads")
    assert "reaches 95.0 % PA" in headline(board)
    page = write_report(tmp_path, tmp_path / "report").page.read_text()
    assert "1 method (1 on pre-trained weights) on 1 data set" in page


def test_the_opening_tells_methods_that_used_labels_from_others(tmp_path: Path) -> None:
    add_run(tmp_path, last=counts_with(80))
    assert (
        "1 method trained from scratch without labels on 1 data set"
        in write_report(tmp_path, tmp_path / "report").page.read_text()
    )
    add_run(tmp_path, last=counts_with(70), method="b", label_use="mask")
    add_run(tmp_path, last=counts_with(95), method="f", pretrained=DINO)
    told = "3 methods (1 with label information in training, 1 on pre-trained weights) on 1 data set"
    assert told in write_report(tmp_path, tmp_path / "report").page.read_text()


def test_an_untrained_network_is_a_reference_and_never_leads(tmp_path: Path) -> None:
    add_run(tmp_path, last=counts_with(70))
    add_run(tmp_path, last=counts_with(90), method="features-kmeans", parameters={"weights": "random"})
    (board,) = make_boards(read_runs(tmp_path)[0])
    found = lead(board)
    assert found is not None
    assert found.leader["method"] == "infoseg"
    shown = leaderboard(board)
    assert [*shown.shown["note"]] == ["reference", "", ""]
    assert [*shown.shown["rank"]] == ["\N{EN DASH}", "1", ""]
    assert shown.best == {1}


def test_every_table_shows_name_and_training_data(board: Board) -> None:
    printed = io.StringIO()
    print_board(board, Console(file=printed))
    assert "pre-trained:" in printed.getvalue()
    assert SHOWN in " ".join(printed.getvalue().split())
    assert SHOWN in markdown(board)
    assert all(SHOWN in text for text in latex_tables(board).values())
    assert SHOWN in main_tables([board])[0].markdown()
    lines = [*csv.DictReader(io.StringIO(leaderboard_csv(board)))]
    assert [line["pretrained"] for line in lines] == ["", "", DINO, "X, trained on Y", ""]


def test_a_record_from_before_the_field_is_from_scratch(tmp_path: Path) -> None:
    folder = add_run(tmp_path, last=counts_with(70))
    assert "pretrained" not in json.loads(folder.record_file.read_text())
    assert read_record(folder.record_file).pretrained is None
    assert load_results(tmp_path)["pretrained"].isna().all()


def test_a_declaration_that_contradicts_the_parameters_is_a_fault(tmp_path: Path) -> None:
    parameters = {"weights": "sha256:0123456789abcdef", "pretrained": DINO}
    folder = add_run(
        tmp_path, last=counts_with(70), pretrained=DINO, method="features-kmeans", parameters=parameters,
        steps=None,
    )  # fmt: skip
    edit_record(folder, lambda content: content.update(pretrained=None))
    (fault,) = [fault for fault in verify_results(tmp_path).faults if "pre-trained" in fault]
    assert f"pre-trained None, but according to its parameters {DINO!r}" in fault
