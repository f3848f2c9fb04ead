from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from click.testing import CliRunner

from infoseg_bench.cli import main
from infoseg_bench.contracts.registry import load_methods
from infoseg_bench.inference.finding import find_run
from infoseg_bench.records.folder import RunFolder
from tests.data.miniature import write_store
from tests.reporting.runs import add_run, counts_with, edit_counts, edit_record

REPORTS = Path(__file__).parents[2] / "reports"


def verify(results: Path, *words: str) -> tuple[int, list[str]]:
    result = CliRunner().invoke(main, ["verify", str(results), *words], catch_exceptions=False)
    assert "Traceback" not in result.output
    return result.exit_code, result.output.splitlines()


def report(results: Path) -> str:
    """Return the whole report, which must be there whatever was left out."""
    result = CliRunner().invoke(main, ["report", "--results", str(results)], catch_exceptions=False)
    assert ("Left out: " in result.output) == (
        "## Left out" in (results / "report/leaderboard.md").read_text()
    )
    return (results / "report" / "leaderboard.md").read_text()


def test_what_is_committed_is_verified() -> None:
    status, lines = verify(REPORTS / "demo" / "packs")
    assert status == 0
    assert re.fullmatch(r"[1-9]\d* records verified\.", lines[-1])


def test_the_results_that_the_environment_names_are_verified_and_packed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_run(tmp_path / "elsewhere", last=counts_with(90))
    monkeypatch.setenv("INFOSEG_BENCH_RESULTS", str(tmp_path / "elsewhere"))
    monkeypatch.chdir(tmp_path)
    for words, says in (("verify",), "1 record verified."), (("pack", "--out", "p.zip"), "1 run packed"):
        done = CliRunner().invoke(main, words)
        assert (done.exit_code, says in done.output) == (0, True), done.output


def edited(folder: RunFolder, fault: str) -> None:
    if fault == "schema":
        edit_record(folder, lambda record: record.update(schema_version=2))
    elif fault == "score":
        edit_record(folder, lambda record: record["last"]["one_to_one"].update(pixel_accuracy=0.99))
    elif fault == "counts":
        edit_counts(folder, better, cover=False)
    elif fault == "covered counts":
        edit_counts(folder, better, cover=True)
    elif fault == "best images":
        edit_counts(folder, worse_best, cover=True)
    elif fault == "spec":
        spec = json.loads(folder.spec_file.read_text())
        folder.spec_file.write_text(json.dumps({**spec, "seed": 9}))
    elif fault == "curve":
        folder.curve_file.write_text('{"step": 100, "pixel_accuracy": 0.99}\n')
    elif fault == "odd curve":
        folder.curve_file.write_text('3\n{"step": 100, "pixel_accuracy": NaN}\n')
    elif fault == "step":
        edit_record(folder, lambda record: record["last"].update(step=7))
    elif fault == "images":
        edit_record(folder, lambda record: record["dataset"].update(evaluation_images=3))
    elif fault == "not JSON":
        folder.record_file.write_text("{")
    elif fault == "no counts":
        folder.counts_file.unlink()
    else:
        folder.path.rename(folder.path.with_name("renamed"))


def better(arrays: dict[str, np.ndarray]) -> None:
    arrays["last_images"][0, 0, 0] += 50
    arrays["last"][0, 0] += 50


def worse_best(arrays: dict[str, np.ndarray]) -> None:
    arrays["best_images"][0, 0, 0] += 50


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("schema", "schema 2, newer than 1"),
        ("score", "do not follow from its counts"),
        ("counts", "not the counts that the record was made from"),
        ("covered counts", "follow from its counts"),
        ("best images", "do not add up to the total of 'best"),
        ("spec", "belongs to another run"),
        ("curve", "does not end with the PA of the counts"),
        ("odd curve", "does not end with the PA of the counts"),
        ("step", "is of step 7, the budget is 100"),
        ("images", "not one count and one id"),
        ("not JSON", "not a record that this version reads"),
        ("no counts", "not readable counts"),
        ("renamed", "belongs to another run"),
    ],
)
def test_what_does_not_add_up_is_one_line_and_the_others_go_on(tmp_path: Path, fault: str, says: str) -> None:
    add_run(tmp_path, last=counts_with(90), seed=1)
    edited(add_run(tmp_path, last=counts_with(80), seed=2), fault)
    status, lines = verify(tmp_path)
    assert status == 1
    assert len(lines) == 3
    assert says in lines[0]
    assert lines[1] == "1 record verified."


@pytest.mark.parametrize(
    ("fault", "says"),
    [("schema", "schema 2, newer than 1"), ("counts", "not the counts"), ("score", "do not follow")],
)
def test_a_report_leaves_such_a_row_out_and_prints_the_reason(tmp_path: Path, fault: str, says: str) -> None:
    add_run(tmp_path, last=counts_with(90), seed=1)
    edited(add_run(tmp_path, last=counts_with(80), seed=2), fault)
    board = report(tmp_path)
    assert "InfoSeg" in board
    assert "90.0" in board
    assert "80.0" not in board
    assert says in board.split("## Left out")[1]


def test_a_curve_that_is_a_folder_leaves_its_run_out_of_packs_and_reports(tmp_path: Path) -> None:
    add_run(tmp_path, last=counts_with(90), seed=1)
    curve = add_run(tmp_path, last=counts_with(80), method="b").curve_file
    curve.unlink(missing_ok=True)
    curve.mkdir()
    add_run(tmp_path, last=counts_with(70), method="c").curve_file.write_text(
        '{"step": 1, "pixel_accuracy": "x"}\n{"pixel_accuracy": 0.5}\n'
    )
    done = CliRunner().invoke(main, ["pack", str(tmp_path), "--out", str(tmp_path / "p.zip")])
    assert f"left out: {curve}: cannot be read (Is a directory)" in done.output
    assert "2 runs packed" in done.output
    board = report(tmp_path)
    assert ("90.0" in board, "70.0" in board) == (True, True)
    assert str(curve) in board.split("## Left out")[1]


def test_a_spec_that_is_gone_is_read_from_the_record_and_a_damaged_one_may_be_removed(tmp_path: Path) -> None:
    folder = add_run(tmp_path, last=counts_with(90))
    spec = folder.spec()
    folder.spec_file.write_text("{")
    status, lines = verify(tmp_path)
    assert status == 1
    assert lines[0].endswith("remove the file, which the record repeats")
    folder.spec_file.unlink()
    assert verify(tmp_path) == (0, ["1 record verified."])
    assert (folder.spec(), find_run(spec.short_id, tmp_path).path) == (spec, folder.path)
    done = CliRunner().invoke(main, ["status", "--results", str(tmp_path)])
    assert "1 finished" in done.output


def test_html_in_a_record_stays_text_on_the_board(tmp_path: Path) -> None:
    evil = "<img src=x onerror=alert(1)>"
    add_run(tmp_path, last=counts_with(90), method_title=evil, title=evil, note=evil)
    assert verify(tmp_path)[0] == 0
    board = report(tmp_path)
    assert "<img" not in board
    assert "&lt;img src=x" in board


@pytest.mark.parametrize("protocol", ["../../elsewhere", "<b>", ""])
def test_a_name_that_leads_out_of_the_report_is_refused(tmp_path: Path, protocol: str) -> None:
    add_run(tmp_path / "results", last=counts_with(90), protocol=protocol)
    status, lines = verify(tmp_path / "results")
    assert status == 1
    assert "is not a plain name" in lines[0]
    assert "is not a plain name" in report(tmp_path / "results")
    assert [path.name for path in tmp_path.iterdir()] == ["results"]


@pytest.mark.parametrize("part", ["dataset", "method"])
def test_a_data_set_or_method_that_leads_out_of_the_report_cannot_be_a_run_folder(
    tmp_path: Path, part: Literal["dataset", "method"]
) -> None:
    run = add_run(tmp_path / "results", last=counts_with(90))
    spec = run.spec().model_copy(update={part: "../../elsewhere"})
    facts = {"spec": spec.model_dump(mode="json"), "identity": spec.identity, "row": spec.row}
    edit_record(run, lambda record: record.update(facts))
    run.spec_file.write_text(spec.model_dump_json())
    status, lines = verify(tmp_path / "results")
    assert status == 1
    assert "belongs to another run" in lines[0]
    assert [path.name for path in tmp_path.iterdir()] == ["results"]


def test_two_records_of_the_same_data_must_count_the_same_labels(tmp_path: Path) -> None:
    add_run(tmp_path, last=counts_with(90), seed=1)
    add_run(tmp_path, last=counts_with(90)[:, :, ::-1].copy(), seed=2)
    status, lines = verify(tmp_path)
    assert status == 1
    assert "its pixels per class differ from those in" in lines[0]


def test_label_use_is_what_the_method_says_of_its_parameters(tmp_path: Path) -> None:
    version = load_methods().methods["iic"].version
    parameters = {"training_mask": True}
    add_run(tmp_path, last=counts_with(90), method="iic", method_version=version, parameters=parameters)
    status, lines = verify(tmp_path)
    assert status == 1
    assert "label use None, but according to its parameters 'mask'" in lines[0]


def test_counts_are_held_against_the_labels_of_a_store(tmp_path: Path) -> None:
    write_store(tmp_path / "data" / "mini.h5", photos=4, labels="visible")
    data = str(tmp_path / "data")
    words = ["--dataset", "mini", "--data", data, "--results", str(tmp_path / "results")]
    call = CliRunner().invoke
    run = ["run", "--method", "kmeans", "--set", "kmeans.sample=300", *words, "--no-report"]
    assert call(main, run, catch_exceptions=False).exit_code == 0
    assert verify(tmp_path / "results", "--data", data)[0] == 0
    (run_path,) = (tmp_path / "results" / "runs").iterdir()
    folder = RunFolder(run_path)
    edit_counts(folder, lambda arrays: arrays.update(ids=arrays["ids"][::-1]), cover=True)
    status, lines = verify(tmp_path / "results", "--data", data)
    assert status == 1
    assert "its images differ from those in" in lines[0]
    store = tmp_path / "data" / "mini.h5"
    store.write_bytes(store.read_bytes()[:500])
    status, lines = verify(tmp_path / "results", "--data", data)
    assert status == 1
    assert "not a readable store" in lines[0]


def test_unfinished_runs_are_counted_and_are_no_fault(tmp_path: Path) -> None:
    add_run(tmp_path, last=counts_with(90), seed=1)
    add_run(tmp_path, last=counts_with(90), seed=2).record_file.unlink()
    status, lines = verify(tmp_path)
    assert status == 0
    assert lines == ["1 record verified, 1 run not finished."]


def test_a_folder_without_runs_is_named(tmp_path: Path) -> None:
    status, lines = verify(tmp_path)
    assert status == 1
    assert str(tmp_path) in lines[0]
