from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import infoseg_bench
from infoseg_bench.cli import main
from infoseg_bench.errors import UserError
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.records.record import SCHEMA_VERSION
from infoseg_bench.records.spec import RunSpec
from infoseg_bench.reporting import loaded_runs, write
from infoseg_bench.reporting.leaderboard import markdown
from infoseg_bench.reporting.loaded_runs import read_runs
from infoseg_bench.reporting.write import write_report
from infoseg_bench.runs.conclude import fail
from tests.reporting.runs import add_run, counts_with, edit_counts, edit_record


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_a_report_has_an_index_and_tables_and_figures_per_board(tmp_path: Path) -> None:
    results, out = tmp_path / "results", tmp_path / "report"
    for seed in range(2):
        add_run(results, last=counts_with(70 + seed), seed=seed)
    add_run(results, last=counts_with(90), dataset="coco-stuff-3")
    report = write_report(results, out)
    assert report.index == out / "leaderboard.md"
    assert len(report.boards) == 2
    index = report.index.read_text()
    for board in report.boards:
        assert markdown(board) in index
        assert f"({board.name}/leaderboard.csv)" in index
    written = set(files(out))
    mine = next(board.name for board in report.boards if board.dataset == "my-photos")
    assert {f"{mine}/{name}.svg" for name in ("leaderboard", "balance", "confusion")} < written
    tables = {
        f"{mine}/leaderboard.tex",
        f"{mine}/leaderboard-wide.tex",
        f"{mine}/classes.csv",
        f"{mine}/confusion.csv",
    }
    assert tables | {"index.html", "runs.csv", "main-table-1.csv", "main-table-1.tex"} < written
    assert sum(name.endswith("leaderboard.csv") for name in written) == 2


def test_the_confusion_matrix_holds_the_counts_of_the_last_state(tmp_path: Path) -> None:
    add_run(tmp_path, last=counts_with(70), best=counts_with(95))
    report = write_report(tmp_path, tmp_path / "report")
    table = pd.read_csv(tmp_path / "report" / report.boards[0].name / "confusion.csv")
    assert table["pixels"].to_list() == [40, 0, 0, 30, 30, 0]


def test_the_tables_of_runs_and_classes_hold_what_the_records_hold(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    counts = [rng.integers(1, 50, (4, 3, 3)).astype(np.int64) for _ in range(2)]
    for seed, one in enumerate(counts):
        add_run(tmp_path, seed=seed, last=one, selected=one if seed else None)
    report = write_report(tmp_path, tmp_path / "report")
    runs = pd.read_csv(tmp_path / "report" / "runs.csv")
    assert list(runs["seed"]) == [0, 1]
    records = [run.record for run in report.boards[0].loaded.values()]
    assert list(runs["pixel_accuracy"]) == pytest.approx([record.pixel_accuracy for record in records])
    assert list(runs["identity"]) == [record.identity for record in records]
    assert list(runs["selection"]) == ["last", "last"]
    assert list(runs["selected_by"].fillna("")) == ["", "information"]
    classes = pd.read_csv(tmp_path / "report" / report.boards[0].name / "classes.csv")
    assert len(classes) == 3
    assert classes["share_of_pixels"].is_monotonic_decreasing
    assert classes["share_of_pixels"].sum() == pytest.approx(1)
    ious = {f"class {i}": np.mean([record.last.one_to_one.iou[i] for record in records]) for i in range(3)}
    assert dict(zip(classes["class"], classes["iou"], strict=True)) == pytest.approx(ious)
    assert classes["contribution"].sum() == pytest.approx(runs["pixel_accuracy"].mean())
    assert classes["cumulative_contribution"].iloc[-1] == pytest.approx(runs["pixel_accuracy"].mean())


def test_figures_can_be_pdf_too(tmp_path: Path) -> None:
    add_run(tmp_path, last=counts_with(70))
    done = CliRunner().invoke(main, ["report", "--results", str(tmp_path), "--figures", "pdf"])
    assert done.exit_code == 0, done.output
    found = {path.name: path.read_bytes()[:5] for path in (tmp_path / "report").rglob("*.pdf")}
    assert found["leaderboard.pdf"] == b"%PDF-"
    assert {name.replace(".pdf", ".svg") for name in found} <= {path.name for path in tmp_path.rglob("*.svg")}


def test_the_same_runs_give_the_same_report_byte_for_byte(tmp_path: Path) -> None:
    for seed in range(2):
        add_run(tmp_path / "results", last=counts_with(70 + seed), seed=seed)
    write_report(tmp_path / "results", tmp_path / "first")
    write_report(tmp_path / "results", tmp_path / "second")
    assert files(tmp_path / "first") == files(tmp_path / "second")


def test_several_processes_write_the_same_report_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(6):
        add_run(tmp_path / "results", last=counts_with(70 + seed), seed=seed)
    pack = tmp_path / "one.zip"
    infoseg_bench.pack(tmp_path / "results", out=pack)
    tampered = add_run(tmp_path / "more", last=counts_with(80), seed=9)
    set_in("last", "one_to_one", "mean_iou", to=1.0)(tampered)
    write_report([pack, tmp_path / "more"], tmp_path / "alone")
    monkeypatch.setattr(loaded_runs, "MANY", 1)
    monkeypatch.setattr(write, "MANY", 1)
    report = write_report([pack, tmp_path / "more"], tmp_path / "together")
    assert len(report.problems) == 1
    assert files(tmp_path / "together") == files(tmp_path / "alone")


def test_without_a_finished_run_the_error_says_what_makes_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no finished run in .*infoseg-bench run makes them"):
        write_report(tmp_path / "results", tmp_path / "report")
    assert not (tmp_path / "report").exists()


def test_failed_runs_are_on_no_board(tmp_path: Path) -> None:
    folder = add_run(tmp_path, last=counts_with(70))
    spec = RunSpec(**{**folder.spec().model_dump(), "seed": 1})
    failed = RunFolder.of(tmp_path, spec)
    failed.create(spec)
    fail(failed, spec, method_title="InfoSeg", started="", error="out of memory")
    report = write_report(tmp_path, tmp_path / "report")
    assert list(report.boards[0].rows["n"]) == [1]


def test_on_the_command_line_the_boards_are_printed_and_nothing_finished_exits_with_1(tmp_path: Path) -> None:
    results = tmp_path / "results"
    nothing = CliRunner().invoke(main, ["report", "--results", str(results)])
    assert nothing.exit_code == 1
    assert nothing.stdout == ""
    assert len(nothing.stderr.splitlines()) == 1
    add_run(results, last=counts_with(70))
    done = CliRunner().invoke(main, ["report", "--results", str(results)])
    assert done.exit_code == 0
    assert "70.0" in done.stdout
    assert str(results / "report" / "leaderboard.md") in done.stdout


# A figure is shown only if it follows from its counts.


def set_in(*path: str | int, to: Any) -> Callable[[RunFolder], None]:
    """Make an edit of one value of a record."""

    def change(record: dict[str, Any]) -> None:
        part: Any = record
        for key in path[:-1]:
            part = part[key]
        part[path[-1]] = to

    return lambda folder: edit_record(folder, change)


def forge(name: str, *, cover: bool) -> Callable[[RunFolder], None]:
    """Make an edit of the counts that would score better."""

    def change(arrays: dict[str, np.ndarray]) -> None:
        better = counts_with(99)
        arrays[f"{name}_images"], arrays[name] = better, better.sum(axis=0)

    return lambda folder: edit_counts(folder, change, cover=cover)


def forge_totals(folder: RunFolder) -> None:
    edit_counts(folder, lambda arrays: arrays.update(last=counts_with(99).sum(axis=0)), cover=True)


def fractions(folder: RunFolder) -> None:
    def change(arrays: dict[str, np.ndarray]) -> None:
        arrays.update({name: value * 1.0 for name, value in arrays.items() if name != "ids"})

    edit_counts(folder, change, cover=True)


def negative(folder: RunFolder) -> None:
    def change(arrays: dict[str, np.ndarray]) -> None:
        images = arrays["last_images"].copy()
        images[0, 0, 0] -= 100
        arrays["last_images"], arrays["last"] = images, images.sum(axis=0)

    edit_counts(folder, change, cover=True)


def emptied(folder: RunFolder) -> None:
    def change(arrays: dict[str, np.ndarray]) -> None:
        arrays.update({name: value * 0 for name, value in arrays.items() if name != "ids"})

    edit_counts(folder, change, cover=True)


def pickled(folder: RunFolder) -> None:
    edit_counts(folder, lambda arrays: arrays.update(last=np.array([{}], dtype=object)), cover=True)


def without_best(folder: RunFolder) -> None:
    edit_counts(folder, lambda arrays: arrays.pop("best_images"), cover=True)


def shorten(name: str, share: float) -> Callable[[RunFolder], None]:
    def cut(folder: RunFolder) -> None:
        content = (folder.path / name).read_bytes()
        (folder.path / name).write_bytes(content[: int(share * len(content))])

    return cut


TAMPERED: dict[str, Callable[[RunFolder], object]] = {
    "PA edited": set_in("last", "one_to_one", "pixel_accuracy", to=0.99),
    "PA a little edited": set_in("last", "one_to_one", "pixel_accuracy", to=0.7001),
    "best PA edited": set_in("best", "one_to_one", "pixel_accuracy", to=0.99),
    "IoU of a class edited": set_in("last", "one_to_one", "iou", 1, to=0.99),
    "majority PA edited": set_in("last", "majority", "pixel_accuracy", to=0.99),
    "NMI edited": set_in("last", "normalized_mutual_information", to=0.99),
    "matching edited": set_in("last", "one_to_one", "matching", to=[1, 0]),
    "counts edited": forge("last", cover=False),
    "counts and checksum edited": forge("last", cover=True),
    "best counts and checksum edited": forge("best", cover=True),
    "totals and checksum edited": forge_totals,
    "fractions for counts": fractions,
    "negative counts": negative,
    "no pixels": emptied,
    "pickled objects": pickled,
    "counts of one state missing": without_best,
    "counts removed": lambda folder: folder.counts_file.unlink(),
    "counts cut short": shorten("counts.npz", 0.5),
    "counts empty": shorten("counts.npz", 0),
    "no checksum": set_in("checksums", to={}),
    "another identity": set_in("identity", to="0" * 16),
    "another row": set_in("row", to="0" * 16),
    "seed edited": set_in("spec", "seed", to=5),
    "budget edited": set_in("spec", "budget", "steps", to=1),
    "data edited": set_in("spec", "fingerprint", to="cd" * 32),
    "constant PA edited": set_in("dataset", "constant_pixel_accuracy", to=0.1),
    "a class too few": set_in("dataset", "classes", to=["sky"]),
    "newer schema": set_in("schema_version", to=SCHEMA_VERSION + 1),
    "unknown field": set_in("more", to=1),
    "score of a wrong type": set_in("last", "one_to_one", "pixel_accuracy", to="much"),
    "NaN for a score": set_in("last", "one_to_one", "pixel_accuracy", to=float("nan")),
    "finished without scores": set_in("last", to=None),
    "finished without best scores": set_in("best", to=None),
    "finished without data": set_in("dataset", to=None),
    "finished without costs": set_in("costs", to=None),
    "record cut short": shorten("record.json", 0.6),
    "record empty": shorten("record.json", 0),
    "record no text": lambda folder: folder.record_file.write_bytes(b"\xff\xfe\x00{}"),
    "record no object": lambda folder: folder.record_file.write_text("[1, 2]"),
}


@pytest.mark.parametrize("tamper", TAMPERED.values(), ids=TAMPERED.keys())
def test_a_run_that_does_not_follow_from_its_counts_is_left_out_and_named(
    tmp_path: Path, tamper: Callable[[RunFolder], object]
) -> None:
    add_run(tmp_path, last=counts_with(70), seed=0)
    bad = add_run(tmp_path, last=counts_with(70), seed=1)
    tamper(bad)
    runs, problems = read_runs(tmp_path)
    assert [run.record.spec.seed for run in runs] == [0]
    assert len(problems) == 1
    assert bad.path.name in problems[0]


def test_what_is_left_out_is_in_no_table_and_named_in_the_index(tmp_path: Path) -> None:
    add_run(tmp_path, last=counts_with(70), seed=0)
    bad = add_run(tmp_path, last=counts_with(70), seed=1)
    forge("last", cover=True)(bad)
    report = write_report(tmp_path, tmp_path / "report")
    (board,) = report.boards
    assert board.facts.constant_pixel_accuracy == 0.6
    left_out = report.index.read_text().partition("## Left out")[2].split("\n- ")
    assert len(left_out) == 2
    assert bad.path.name in left_out[1]
    for table in ("runs.csv", f"{board.name}/confusion.csv"):
        assert set(pd.read_csv(tmp_path / "report" / table)["seed"]) == {0}


def test_a_report_of_nothing_but_tampered_runs_has_no_board(tmp_path: Path) -> None:
    forge("last", cover=True)(add_run(tmp_path, last=counts_with(70)))
    report = write_report(tmp_path, tmp_path / "report")
    assert report.boards == ()
    assert "## Left out" in report.index.read_text()


def test_a_copy_of_a_run_is_not_counted_as_another_seed(tmp_path: Path) -> None:
    run = add_run(tmp_path, last=counts_with(70))
    shutil.copytree(run.path, run.path.with_name("copy of it"))
    report = write_report(tmp_path, tmp_path / "report")
    assert list(report.boards[0].rows["n"]) == [1]


def test_a_record_whose_data_set_is_named_like_a_path_writes_nothing_outside_the_report(
    tmp_path: Path,
) -> None:
    results, out = tmp_path / "results", tmp_path / "reports" / "mine"
    run = add_run(results, last=counts_with(70), dataset="../elsewhere")
    (results / "runs" / "innocent").mkdir(parents=True)
    shutil.copy(run.record_file, results / "runs" / "innocent")
    before = set(files(tmp_path))
    write_report(results, out)
    outside = [name for name in set(files(tmp_path)) - before if not name.startswith("reports/mine/")]
    assert outside == []


def test_what_is_named_in_the_index_is_one_line_each(tmp_path: Path) -> None:
    bad = add_run(tmp_path, last=counts_with(70))
    content = json.loads(bad.record_file.read_text())
    content["last"]["one_to_one"]["iou"] = "a\nb"
    bad.record_file.write_text(json.dumps(content))
    index = write_report(tmp_path, tmp_path / "report").index.read_text()
    assert len(index.partition("## Left out")[2].strip().splitlines()) == 1
