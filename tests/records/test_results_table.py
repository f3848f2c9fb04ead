"""`load_results`: every run and selection as a row of one table."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

import infoseg_bench
from infoseg_bench.errors import UserError
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.records.record import FinishedRecord, read_record
from infoseg_bench.records.results_table import COLUMNS, UnusableRecord
from infoseg_bench.runs.conclude import fail
from tests.reporting.runs import add_run, counts_with, edit_record


@pytest.fixture
def results(tmp_path: Path) -> Path:
    for seed in range(2):
        add_run(
            tmp_path, last=counts_with(70 + seed), best=counts_with(90), seed=seed, label_use="mask",
            parameters={"lr": 0.1, "scales": [1, 2]},
        )  # fmt: skip
    add_run(tmp_path, last=counts_with(60), method="kmeans", method_title="K-Means", steps=None)
    return tmp_path


def test_every_run_has_a_row_for_its_last_and_its_best_state(results: Path) -> None:
    table = infoseg_bench.load_results(results)
    assert tuple(table.columns) == (*COLUMNS, "param.lr", "param.scales")
    assert len(table) == 6
    last = table[(table.method == "infoseg") & (table.selection == "last")].set_index("seed")
    assert last.pixel_accuracy.to_dict() == {0: 0.70, 1: 0.71}
    assert {str(table[name].dtype) for name in ("pixel_accuracy", "mean_iou", "nmi", "ari")} == {"float64"}
    assert last.step.to_list() == [100, 100]
    assert last.identity.nunique() == 2
    assert last.row.nunique() == 1
    assert last["param.scales"].to_list() == [(1, 2), (1, 2)]
    assert last.label_use.to_list() == ["mask", "mask"]
    best = table[table.selection == "best"]
    assert best[best.method == "infoseg"].pixel_accuracy.to_list() == [0.9, 0.9]
    assert table.groupby("method_title").fit_seconds.mean().to_dict() == {"InfoSeg": 2.0, "K-Means": 2.0}


def test_every_score_and_fact_is_that_of_the_record(results: Path) -> None:
    table = infoseg_bench.load_results(results)
    for _, row in table.iterrows():
        record = read_record(Path(row.source) / "record.json")
        assert isinstance(record, FinishedRecord)
        state = record.last if row.selection == "last" else record.best
        assert row.mean_iou == state.one_to_one.mean_iou
        assert row.mean_class_accuracy == state.one_to_one.mean_class_accuracy
        assert row.majority_pixel_accuracy == state.majority.pixel_accuracy
        assert row.nmi == state.normalized_mutual_information
        assert row.ari == state.adjusted_rand_index
        assert row.constant_pixel_accuracy == record.dataset.constant_pixel_accuracy == 0.6
        assert (row.dataset, row.protocol, row.classes) == ("my-photos", "corrected", 2)
        assert (row.train_images, row.evaluation_images) == (7, 2)
        assert row.identity == record.identity


def test_label_free_diagnostics_are_columns_of_the_last_state(results: Path) -> None:
    (folder,) = results.glob("runs/*kmeans*")
    edit_record(RunFolder(folder), lambda record: record.update(diagnostics={"self_agreement": 0.25}))
    table = infoseg_bench.load_results(results)
    assert table.columns[-1] == "diagnostic.self_agreement"
    found = table.dropna(subset="diagnostic.self_agreement")
    assert found[["method", "selection"]].to_numpy().tolist() == [["kmeans", "last"]]
    assert found["diagnostic.self_agreement"].to_list() == [0.25]


def test_folders_and_packs_make_one_table(results: Path, tmp_path: Path) -> None:
    infoseg_bench.pack(results, out=tmp_path / "packs" / "one.zip")
    add_run(tmp_path / "other", last=counts_with(80), seed=5)
    table = infoseg_bench.load_results(tmp_path / "packs", str(tmp_path / "other"), results)
    assert len(table) == 8


def test_a_damaged_record_is_named_and_hides_no_other(results: Path) -> None:
    damaged = add_run(results, last=counts_with(80), seed=6)
    edit_record(damaged, lambda record: record["last"]["one_to_one"].update(pixel_accuracy=0.99))
    with pytest.warns(UnusableRecord, match=f"{damaged.record_file}.*do not follow"):
        table = infoseg_bench.load_results(results)
    assert len(table) == 6
    assert len(table.attrs["problems"]) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        unaudited = infoseg_bench.load_results(results, audited=False)
    assert unaudited.pixel_accuracy.max() == 0.99
    damaged.record_file.write_text("{")
    with pytest.warns(UnusableRecord, match="not a record"):
        assert len(infoseg_bench.load_results(results, audited=False)) == 6


def test_failed_runs_are_rows_where_asked_for(results: Path) -> None:
    run = add_run(results, last=counts_with(80), seed=6)
    fail(run, run.spec(), method_title="InfoSeg", started="2026-01-01T00:00:00+00:00", error="it broke")
    assert len(infoseg_bench.load_results(results)) == 6
    table = infoseg_bench.load_results(results, failed=True)
    (row,) = (row for _, row in table[table.status == "failed"].iterrows())
    assert (row.error, row.seed, row.steps) == ("it broke", 6, 100)
    assert row[["selection", "pixel_accuracy", "ari"]].isna().all()


def test_a_folder_without_runs_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"{tmp_path}: no runs"):
        infoseg_bench.load_results(tmp_path)
