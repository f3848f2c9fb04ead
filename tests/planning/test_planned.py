from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infoseg_bench.planning.planned import PlannedRun, look
from infoseg_bench.planning.summary import cost_lines, plan_lines
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.records.spec import RunSpec
from infoseg_bench.runs.checkpoint import TrainingState, write_checkpoint
from tests.reporting.runs import add_run, counts_with, edit_record


def one(spec: RunSpec, results: Path, source: str = "now") -> PlannedRun:
    (planned,) = look([spec], results, lambda name: source)
    return planned


def other(spec: RunSpec, **changes: Any) -> RunSpec:
    return RunSpec(**{**spec.model_dump(), **changes})


def finished(results: Path, *, source: str = "", fit_seconds: float = 100.0) -> RunSpec:
    folder = add_run(results, last=counts_with(5))

    def change(record: dict[str, Any]) -> None:
        record["provenance"]["method_source"] = source
        record["costs"].update(load_seconds=1.0, fit_seconds=fit_seconds, evaluate_seconds=0.0)

    edit_record(folder, change)
    return folder.spec()


def interrupted(results: Path, spec: RunSpec, *, step: int, source: str = "now") -> RunFolder:
    folder = RunFolder.of(results, spec)
    folder.create(spec)
    training = TrainingState(started="then", step=step, method_source=source)
    write_checkpoint(folder, {"harness": training.content(), "method": {}})
    return folder


def test_a_change_of_the_source_since_is_noticed_in_finished_and_in_resuming_runs(tmp_path: Path) -> None:
    spec = finished(tmp_path, source="then")
    assert one(spec, tmp_path, "now").changed
    assert not one(spec, tmp_path, "then").changed
    again = other(spec, seed=1)
    interrupted(tmp_path, again, step=40, source="then")
    assert one(again, tmp_path, "now").changed
    assert not one(again, tmp_path, "then").changed


def test_records_from_before_sources_were_kept_say_nothing_of_them(tmp_path: Path) -> None:
    assert not one(finished(tmp_path, source=""), tmp_path).changed


def test_a_run_that_resumes_says_where_and_costs_what_is_left(tmp_path: Path) -> None:
    spec = finished(tmp_path)
    again = other(spec, seed=1)
    interrupted(tmp_path, again, step=40)
    planned = one(again, tmp_path)
    assert (planned.state, planned.step) == ("interrupted", 40)
    assert planned.seconds == pytest.approx(61.0)


def test_the_cost_of_a_missing_run_is_that_of_one_like_it_scaled_by_the_steps(tmp_path: Path) -> None:
    spec = finished(tmp_path)
    longer = other(spec, budget={"steps": 300, "evaluate_every": 10})
    assert one(longer, tmp_path).seconds == pytest.approx(301.0)
    assert one(other(spec, method="iic"), tmp_path).seconds is None
    assert one(other(spec, dataset="another"), tmp_path).seconds is None
    assert one(spec, tmp_path).seconds == 0.0


def test_looking_makes_nothing(tmp_path: Path) -> None:
    spec = finished(tmp_path)
    before = sorted(str(path) for path in tmp_path.rglob("*"))
    missing = [other(spec, seed=seed) for seed in range(1, 50)]
    assert {run.state for run in look([spec, *missing], tmp_path, lambda name: "")} == {"finished", "missing"}
    assert one(missing[0], tmp_path / "nowhere").state == "missing"
    assert sorted(str(path) for path in tmp_path.rglob("*")) == before
    assert not os.path.exists(tmp_path / "nowhere")


def test_a_run_under_way_is_known_by_its_lock_and_a_dead_one_by_its_lack(tmp_path: Path) -> None:
    spec = other(finished(tmp_path), seed=3)
    folder = interrupted(tmp_path, spec, step=7)
    folder.write_status(state="running", step=9)
    assert one(spec, tmp_path).state == "interrupted"
    with folder.lock():
        assert one(spec, tmp_path).state == "running"


def test_other_parameters_and_other_devices_tell_nothing_of_the_cost(tmp_path: Path) -> None:
    spec = finished(tmp_path)
    again = other(spec, seed=1)
    device = RunFolder.of(tmp_path, spec).finished_record().provenance.cpu  # type: ignore[union-attr]
    assert look([again], tmp_path, lambda name: "", device=device)[0].basis == "finished runs"
    assert look([again], tmp_path, lambda name: "", device="another")[0].seconds is None
    wider = other(spec, parameters={**spec.parameters, "width": 99})
    assert one(wider, tmp_path).seconds is None


def test_what_is_to_be_repeated_says_so_and_costs_the_whole_run_again(tmp_path: Path) -> None:
    spec = finished(tmp_path)
    missing = other(spec, seed=1)
    done, new = look([spec, missing], tmp_path, lambda name: "", repeat=True)
    assert (done.state, done.repeated, done.to_do, done.seconds) == ("finished", True, True, 101.0)
    assert (new.repeated, new.to_do) == (False, True)
    assert "to be repeated" in plan_lines([done])[0]
    assert "to be repeated" not in plan_lines([new])[0]


def test_a_damaged_record_is_named_and_hides_no_other_run(tmp_path: Path) -> None:
    spec = finished(tmp_path)
    broken = interrupted(tmp_path, other(spec, seed=1), step=3)
    broken.record_file.write_text('{"schema_version": 1, "ident')
    runs = look([spec, broken.spec()], tmp_path, lambda name: "")
    assert [run.state for run in runs] == ["finished", "damaged"]
    assert str(broken.record_file) in plan_lines(runs)[1]
    assert not runs[1].to_do
    assert look([broken.spec()], tmp_path, lambda name: "", repeat=True)[0].to_do


def test_the_text_of_a_cost_says_what_it_rests_on_and_how_to_make_it_small(tmp_path: Path) -> None:
    spec = finished(tmp_path, fit_seconds=9000.0)
    specs = [other(spec, seed=1), other(spec, seed=2), other(spec, method="iic")]
    runs = look(specs, tmp_path, lambda name: "")
    cost, *rest = cost_lines(runs, 2, on_cpu=True)
    assert cost == (
        "Estimated cost: 5.0 h of runs, 2.5 h with 2 at a time, based on "
        f"finished runs ({spec.method}). Not known: iic (1 run)."
    )
    assert "--preset small" in rest[-1]
    assert "5.0 h" in rest[0]
    # A run takes as long, however many run at a time.
    assert "2.5 h with 4 at a time" in cost_lines(runs, 4, on_cpu=True)[0]
    short = [replace(run, seconds=run.seconds and 1000.0) for run in runs]
    assert len(cost_lines(runs, 2, on_cpu=False)) == len(cost_lines(short, 2, on_cpu=True)) == 1
    assert cost_lines([run for run in runs if not run.to_do], 1, on_cpu=True) == []
