from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from infoseg_bench.contracts import Task
from infoseg_bench.planning.cost import StepCost
from infoseg_bench.planning.outline import Outline
from infoseg_bench.planning.planned import PlannedRun
from infoseg_bench.profiling import trial
from infoseg_bench.profiling.step_times import StepTimes
from infoseg_bench.records.spec import Budget, RunSpec
from tests.profiling.slow_method import STEP_SECONDS

PLUGIN = Path(__file__).with_name("slow_method.py")


def planned(dataset: str = "mine", method: str = "slow", **parameters: Any) -> PlannedRun:
    spec = RunSpec(
        dataset=dataset, fingerprint="ab", protocol="corrected", method=method, method_version=1,
        parameters={"batch": 2, "width": 1, **parameters}, seed=0,
        budget=Budget(steps=1000, evaluate_every=500),
    )  # fmt: skip
    return PlannedRun(spec=spec, state="missing")


def outline(dataset: str = "mine", crop: int = 32) -> Outline:
    task = Task(dataset=dataset, channels=3, crop=crop, clusters=2)
    return Outline(task=task, protocols=("corrected",), scored=10)


def timed(runs: list[PlannedRun], outlines: dict[str, Outline], seconds: float = 60.0) -> list[PlannedRun]:
    return trial.with_timed_costs(runs, outlines, device="cpu", threads=1, plugins=[PLUGIN], seconds=seconds)


def test_steps_are_timed_and_a_data_set_of_other_sizes_is_scaled() -> None:
    # The wider one cannot be scaled from the others: nothing says how its steps grow.
    runs = [planned(), planned("other", batch=3), planned(method="unknown"), planned(width=2)]
    runs[2] = PlannedRun(spec=runs[2].spec, state="finished")
    outlines = {"mine": outline(), "other": outline("other", crop=64)}
    first, second, finished, wider = timed(runs, outlines)
    assert (first.basis, second.basis, wider.basis) == ("timed steps", "timed steps", "timed steps")
    # No machine is faster than the pause in every step.
    for run in (first, second, wider):
        assert run.seconds is not None
        assert run.seconds > 1000 * STEP_SECONDS
    assert finished.seconds is None


def test_what_was_not_timed_is_scaled_from_a_run_that_differs_in_the_data_set_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def only_first(jobs: list[trial.Job], **options: Any) -> dict[str, StepCost]:
        return {jobs[0].key: StepCost(step=0.5, image=0.25)}

    monkeypatch.setattr(trial, "time_jobs", only_first)
    runs = [planned(), planned("other", batch=3), planned(width=2)]
    first, second, wider = timed(runs, {"mine": outline(), "other": outline("other", crop=64)})
    assert first.seconds == pytest.approx(1000 * 0.5 + 3 * 10 * 0.25)
    assert (second.basis, wider.basis) == ("scaled steps", "")
    # Three photos of twice the side in place of two.
    assert second.seconds == pytest.approx(1000 * 0.5 * 6 + 3 * 10 * 0.25 * 4)


def test_what_speed_has_measured_on_this_device_is_believed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delattr(trial, "time_jobs")
    run, where = planned(), outline()
    key = trial.Job.of(run, where).key
    StepTimes(torch.device("cpu"), threads=4).put(key, StepCost(step=0.5, image=0.25))
    (found,) = timed([run], {"mine": where})
    assert found.basis == "speed"
    # Measured with four threads, done with one.
    assert found.seconds == pytest.approx(4 * (1000 * 0.5 + 3 * 10 * 0.25))
    assert StepTimes(torch.device("cpu"), threads=4).get(key) == StepCost(step=0.5, image=0.25)
    for other in (planned(width=2), planned("other")):
        place = outline("other", crop=64) if other.spec.dataset == "other" else where
        assert StepTimes(torch.device("cpu"), threads=1).get(trial.Job.of(other, place).key) is None


@pytest.mark.parametrize("content", ["", "[]", '{"x": 1', "null"])
def test_a_damaged_file_of_measured_steps_is_as_none(
    content: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    StepTimes.path().parent.mkdir(parents=True)
    StepTimes.path().write_text(content)
    times = StepTimes(torch.device("cpu"), threads=1)
    assert times.get("work") is None
    times.put("work", StepCost(step=1.0))
    assert times.get("work") == StepCost(step=1.0)


def test_the_deadline_ends_what_takes_too_long() -> None:
    (run,) = timed([planned(method="stuck")], {"mine": outline()}, seconds=6.0)
    assert run.seconds is None


def test_few_steps_are_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "WORTHWHILE_STEPS", 1001)
    monkeypatch.delattr(trial, "time_jobs")
    assert timed([planned()], {"mine": outline()}) == [planned()]
