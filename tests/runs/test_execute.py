from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from infoseg_bench.contracts import Method, Parameters, Progress, RunContext, Task
from infoseg_bench.data.catalogue import PreparedDataset
from infoseg_bench.data.evaluation_set import EvaluationSet
from infoseg_bench.data.store import Store
from infoseg_bench.data.train_images import TrainImages
from infoseg_bench.errors import UserError
from infoseg_bench.records.curve import read_curve
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.records.spec import Budget
from infoseg_bench.runs.assemble import train_images
from infoseg_bench.runs.checkpoint import TrainingState, load_checkpoint
from infoseg_bench.runs.execute import Execution
from infoseg_bench.runs.prediction import Interrupted
from tests.data.miniature import write_store

CPU = torch.device("cpu")


class Thresholding(Method):
    """Sees brightness, and gets the threshold right at one step only."""

    name = "thresholding"
    title = "Thresholding"
    citation = "none"
    is_iterative = True
    parameters_type = Parameters
    right_step = 4

    def __init__(self, task: Task, run: RunContext) -> None:
        super().__init__(Parameters(), task, run)
        self.step = 0

    def fit(self, train: TrainImages) -> Iterator[Progress]:
        while self.step < self.run.steps:
            train.batch(self.step, 2)
            self.step += 1
            yield Progress(step=self.step, scalars={"loss": 1.0 / self.step})

    def predict(self, images: torch.Tensor) -> torch.Tensor:
        edges = torch.tensor([0.33, 0.66]) if self.step == self.right_step else torch.tensor([0.98, 0.99])
        return torch.bucketize(images.mean(dim=1), edges)

    def state(self) -> dict[str, Any]:
        return {"step": self.step}

    def load_state(self, state: dict[str, Any]) -> None:
        self.step = state["step"]


def make(tmp_path: Path, *, steps: int = 6, stop_at: int | None = None) -> Execution:
    path = tmp_path / "mini.h5"
    store = Store(path if path.exists() else write_store(path, labels="visible"))
    view, arrays = store.view("mini"), store.arrays(labels=True)
    task = Task(dataset="mini", channels=3, crop=32, clusters=3)
    method = Thresholding(task, RunContext(seed=0, device=CPU, steps=steps))
    return Execution(
        folder=RunFolder(tmp_path),
        budget=Budget(steps=steps, evaluate_every=2),
        method=method,
        train=TrainImages(arrays, view.train, crop=32, seed=0, device=CPU),
        evaluation_set=EvaluationSet(arrays, view, protocol="corrected", device=CPU),
        n_classes=3,
        training=TrainingState(started="now"),
        should_stop=lambda: stop_at is not None and method.step >= stop_at,
    )


def taken_up(folder: Path, *, steps: int = 6) -> Execution:
    found = load_checkpoint(RunFolder(folder))
    assert found is not None
    execution = make(folder, steps=steps)
    execution.training = found[0]
    execution.method.load_state(found[1])
    return execution


def test_last_and_best_are_both_kept_and_the_untrained_state_is_on_the_curve_only(tmp_path: Path) -> None:
    execution = make(tmp_path)
    execution.method.right_step = 0  # type: ignore[attr-defined]
    last = execution.run()
    evaluated = {
        x["step"]: x["pixel_accuracy"]
        for x in read_curve(execution.folder.curve_file)
        if "pixel_accuracy" in x
    }
    assert list(evaluated) == [0, 2, 4, 6]
    assert evaluated[0] > evaluated[6]
    assert execution.training.best_step == 2
    best = execution.training.best_counts
    assert best is not None
    assert np.array_equal(best, last)


def test_the_best_step_keeps_its_own_counts(tmp_path: Path) -> None:
    execution = make(tmp_path)
    last = execution.run()
    assert execution.training.best_step == 4
    assert execution.training.best_counts is not None
    assert not np.array_equal(execution.training.best_counts, last)
    assert int(execution.training.best_counts.sum()) == int(last.sum())


def test_an_interrupted_run_taken_up_again_ends_with_the_same_counts_and_crops(tmp_path: Path) -> None:
    whole = make(tmp_path)
    expected = whole.run()
    (tmp_path / "again").mkdir()
    first = make(tmp_path / "again", stop_at=5)
    with pytest.raises(Interrupted):
        first.run()
    second = taken_up(tmp_path / "again")
    assert np.array_equal(second.run(), expected)
    assert second.training.crops == whole.training.crops == 12
    assert second.training.best_step == whole.training.best_step
    assert second.training.best_counts is not None
    assert whole.training.best_counts is not None
    assert np.array_equal(second.training.best_counts, whole.training.best_counts)


@pytest.mark.parametrize("steps", [2, 6])
def test_a_run_killed_between_its_last_checkpoint_and_its_record_has_the_same_curve(
    tmp_path: Path, steps: int
) -> None:
    killed = make(tmp_path, steps=steps)
    expected = killed.run()
    curve, diagnostics = read_curve(killed.folder.curve_file), killed.training.diagnostics
    again = taken_up(tmp_path, steps=steps)
    assert np.array_equal(again.run(), expected)
    assert read_curve(again.folder.curve_file) == curve
    assert again.training.diagnostics == diagnostics


def test_an_interrupted_run_without_labels_ends_with_the_same_segments(tmp_path: Path) -> None:
    whole = make(tmp_path)
    whole.n_classes = None
    expected = whole.run()
    assert expected.dtype == np.uint8
    assert expected.shape == (len(whole.evaluation_set), 32, 32)
    (tmp_path / "again").mkdir()
    first = make(tmp_path / "again", stop_at=5)
    first.n_classes = None
    with pytest.raises(Interrupted):
        first.run()
    second = taken_up(tmp_path / "again")
    second.n_classes = None
    assert np.array_equal(second.run(), expected)
    assert read_curve(second.folder.curve_file) == read_curve(whole.folder.curve_file)


def test_a_loss_that_is_not_finite_stops_the_run_at_its_step(tmp_path: Path) -> None:
    execution = make(tmp_path)

    def diverge(train: TrainImages) -> Iterator[Progress]:
        yield Progress(step=1, scalars={"loss": 1.0})
        yield Progress(step=2, scalars={"loss": torch.tensor(float("inf"))})

    execution.method.fit = diverge  # type: ignore[method-assign]
    with pytest.raises(UserError, match="loss is inf at step 2"):
        execution.run()


def test_memory_does_not_grow_with_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infoseg_bench.runs.execute.CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr("infoseg_bench.runs.execute.CURVE_POINTS", 300)
    execution = make(tmp_path, steps=300)
    execution.budget = Budget(steps=300, evaluate_every=10)
    predict, tensors = execution.method.predict, list[int]()
    # What was there before is not looked through again and again.
    gc.freeze()

    def counting(images: torch.Tensor) -> torch.Tensor:
        # The thread that writes lets go of a checkpoint a moment after it is written: hence the smallest.
        execution._writer.wait()
        gc.collect()
        tensors.append(sum(issubclass(type(item), torch.Tensor) for item in gc.get_objects()))
        return predict(images)

    execution.method.predict = counting  # type: ignore[method-assign]
    try:
        execution.run()
    finally:
        gc.unfreeze()
    assert len(tensors) > 25
    assert min(tensors[20:]) <= min(tensors[3:10])


@pytest.mark.parametrize("stop_at", [2, 4, 6])
def test_a_run_stopped_where_an_evaluation_is_due_makes_up_for_it(tmp_path: Path, stop_at: int) -> None:
    whole = make(tmp_path)
    expected = whole.run()
    (tmp_path / "again").mkdir()
    first = make(tmp_path / "again", stop_at=stop_at)
    with pytest.raises(Interrupted):
        first.run()
    second = taken_up(tmp_path / "again")
    assert np.array_equal(second.run(), expected)
    assert second.training.best_step == whole.training.best_step
    accuracies = [
        [(x["step"], x["pixel_accuracy"]) for x in read_curve(run.folder.curve_file) if "pixel_accuracy" in x]
        for run in (whole, second)
    ]
    assert accuracies[0] == accuracies[1]


def test_a_stop_during_an_evaluation_does_not_wait_for_its_end(tmp_path: Path) -> None:
    execution = make(tmp_path)
    evaluated, predict, predicted = execution.evaluation_set, execution.method.predict, list[int]()

    def watched(images: torch.Tensor) -> torch.Tensor:
        predicted.append(len(images))
        return predict(images)

    execution.method.predict = watched  # type: ignore[method-assign]
    evaluated.batches = lambda size: EvaluationSet.batches(evaluated, 1)  # type: ignore[method-assign]
    execution.should_stop = lambda: len(predicted) >= 1
    with pytest.raises(Interrupted):
        execution.run()
    assert predicted == [1]


def test_no_checkpoint_holds_a_step_whose_loss_was_not_finite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infoseg_bench.runs.execute.CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr("infoseg_bench.runs.execute.CURVE_POINTS", 1)
    execution = make(tmp_path, steps=600)
    execution.budget = Budget(steps=600, evaluate_every=600)
    fit = execution.method.fit

    def diverge(train: TrainImages) -> Iterator[Progress]:
        for progress in fit(train):
            yield Progress(step=progress.step, scalars={"loss": float("nan") if progress.step > 3 else 1.0})

    execution.method.fit = diverge  # type: ignore[method-assign]
    with pytest.raises(UserError, match="loss is nan at step 4"):
        execution.run()
    found = load_checkpoint(execution.folder)
    assert found is not None
    assert found[0].step == 3


def test_a_method_settles_before_every_evaluation_and_the_crops_for_that_are_no_training(
    tmp_path: Path,
) -> None:
    execution = make(tmp_path)
    settled: list[int] = []

    def before_evaluation(train: TrainImages) -> None:
        settled.append(execution.training.step)
        train.batch(0, 4)

    execution.method.before_evaluation = before_evaluation  # type: ignore[method-assign]
    execution.run()
    assert settled == [0, 2, 4, 6]
    assert execution.training.crops == 6 * 2


def test_every_evaluation_has_label_free_figures_on_its_curve(tmp_path: Path) -> None:
    execution = make(tmp_path)
    execution.run()
    evaluated = [line for line in read_curve(tmp_path / "curve.jsonl") if "pixel_accuracy" in line]
    assert [line["step"] for line in evaluated] == [0, 2, 4, 6]
    assert all({"cluster_usage", "self_agreement"} <= line.keys() for line in evaluated)
    # The first evaluation after a tenth of six steps is the one at step 2.
    assert ["early_agreement" in line for line in evaluated] == [False, False, True, True]
    assert execution.training.diagnostics == {
        name: value for name, value in evaluated[-1].items() if name not in ("step", "pixel_accuracy")
    }


def test_early_maps_are_the_same_after_an_interruption(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    whole, parts = make(tmp_path), make(tmp_path / "other", stop_at=3)
    whole.run()
    with pytest.raises(Interrupted):
        parts.run()
    found = load_checkpoint(parts.folder)
    assert found is not None
    assert found[0].early_step == whole.training.early_step == 2
    np.testing.assert_array_equal(found[0].early_maps, whole.training.early_maps)


def test_a_label_free_figure_selects_the_state_of_its_highest_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Thresholding, "selected_by", "cluster_usage")
    execution = make(tmp_path)
    execution.run()
    training = execution.training
    assert training.selected_step == Thresholding.right_step
    np.testing.assert_array_equal(training.selected_counts, training.best_counts)


def test_a_store_for_scoring_alone_is_not_trained_on(tmp_path: Path) -> None:
    store = Store(write_store(tmp_path / "mini.h5"))
    view = replace(store.view("mini"), train=np.empty(0, dtype=np.int64))
    method = object.__new__(Thresholding)
    with pytest.raises(UserError, match="mini: no photos to train on: prepare it again without --train none"):
        train_images(
            store.arrays(labels=False), PreparedDataset(store, view), method, protocol="corrected", maps={}
        )
