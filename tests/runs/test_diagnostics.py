from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from infoseg_bench.contracts import Method, Progress
from infoseg_bench.data.evaluation_set import EvaluationSet
from infoseg_bench.data.train_images import TrainImages
from infoseg_bench.runs.checkpoint import TrainingState
from infoseg_bench.runs.diagnostics import Diagnosis, Sample, agreement, changed_meaning, remember, usage


class Predicting(Method):
    """A method that predicts by a rule, and has one figure of its own."""

    name = title = "predicting"

    def __init__(self, rule: Any) -> None:
        self.rule = rule

    def fit(self, train: TrainImages) -> Iterator[Progress]:
        yield from ()

    def predict(self, images: torch.Tensor) -> torch.Tensor:
        clusters: torch.Tensor = self.rule(images)
        return clusters

    def diagnose(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"brightness": images.mean()}

    def state(self) -> dict[str, Any]:
        return {}

    def load_state(self, state: dict[str, Any]) -> None:
        pass


class Images(EvaluationSet):
    """Given images instead of those of a store."""

    def __init__(self, images: torch.Tensor, inside: torch.Tensor) -> None:
        self.images, self.inside = images, inside

    def sample(self, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self.images[:size], self.inside[:size]


def sample(images: torch.Tensor, inside: torch.Tensor | None = None) -> Sample:
    return Sample(
        Images(images, torch.ones_like(images[:, 0], dtype=torch.bool) if inside is None else inside)
    )


def diagnose(rule: Any, training: TrainingState | None = None) -> Diagnosis:
    images = torch.rand(6, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    return sample(images).diagnose(Predicting(rule), training or TrainingState(started=""))


def by_row(images: torch.Tensor) -> torch.Tensor:
    return (torch.arange(32) // 11)[None, :, None].expand(len(images), 32, 32)


def by_column(images: torch.Tensor) -> torch.Tensor:
    return by_row(images).transpose(1, 2)


def by_content(images: torch.Tensor) -> torch.Tensor:
    return (images.diff(dim=2, append=images[:, :, :1])[:, 0] > 0).long()


def history(*states: tuple[int, Any]) -> TrainingState:
    training = TrainingState(started="")
    for step, rule in states:
        training.step = step
        remember(training, diagnose(rule, training), steps=100)
    return training


def test_a_segmentation_that_neither_mirror_nor_colours_change_agrees_with_itself() -> None:
    figures = diagnose(by_row).figures
    assert figures["self_agreement"] == pytest.approx(1)
    assert figures["cluster_usage"] == pytest.approx(3, abs=0.1)
    assert 0 < figures["brightness"] < 1


def test_a_mirror_is_undone_before_the_maps_are_compared() -> None:
    # What depends on the content moves with it; what depends on left and right does not.
    assert diagnose(by_content).figures["self_agreement"] > 0.3
    skew = diagnose(lambda images: (torch.arange(32) // 25)[None, None, :].expand(len(images), 32, 32))
    assert skew.figures["self_agreement"] < 0.2


def test_noise_does_not_agree_with_itself_and_a_single_cluster_with_nothing() -> None:
    generator = torch.Generator().manual_seed(1)
    noise = diagnose(lambda images: torch.randint(3, (len(images), 32, 32), generator=generator))
    assert noise.figures["self_agreement"] < 0.05
    single = diagnose(lambda images: torch.zeros(len(images), 32, 32, dtype=torch.int64))
    assert single.figures["self_agreement"] == 0
    assert single.figures["cluster_usage"] == 1


def test_padding_does_not_count() -> None:
    images = torch.rand(2, 3, 32, 32)
    inside = torch.ones(2, 32, 32, dtype=torch.bool)
    inside[:, 11:] = False
    found = sample(images, inside).diagnose(Predicting(by_row), TrainingState(started=""))
    assert found.figures["cluster_usage"] == 1


def test_agreement_does_not_depend_on_the_order_of_the_clusters() -> None:
    one = np.array([0, 0, 1, 1, 2, 2], dtype=np.int16)
    assert agreement(one, (one + 1) % 3) == pytest.approx(1)
    assert agreement(one, np.array([0, 1, 0, 1, 0, 1], dtype=np.int16)) == pytest.approx(0, abs=1e-12)


def test_usage_is_the_number_of_equal_clusters() -> None:
    assert usage(np.array([0, 1, 2, 3], dtype=np.int16)) == pytest.approx(4)
    assert usage(np.zeros(5, dtype=np.int16)) == 1
    assert 1 < usage(np.array([0, 0, 0, 1], dtype=np.int16)) < 2


def test_the_first_evaluation_after_a_tenth_of_the_steps_is_remembered() -> None:
    assert history((0, by_row), (9, by_row)).early_step == -1
    training = history((0, by_row), (9, by_row), (10, by_column), (50, by_row))
    assert training.early_step == 10
    assert training.diagnostics["early_agreement"] < 0.05
    assert "early_agreement" not in diagnose(by_row).figures


def test_a_run_whose_classes_changed_their_meaning_says_so() -> None:
    (line,) = changed_meaning(history((10, by_row), (50, by_row), (100, by_column)))
    assert "changed their meaning" in line
    assert "step 10" in line
    assert not changed_meaning(history((10, by_row), (100, by_row)))


def test_a_run_that_found_something_only_later_is_not_accused() -> None:
    generator = torch.Generator().manual_seed(1)
    training = history(
        (10, lambda images: torch.randint(3, (len(images), 32, 32), generator=generator)), (100, by_row)
    )
    training.early_agreement = 0.0
    assert not changed_meaning(training)


def test_the_state_survives_a_checkpoint(tmp_path: Path) -> None:
    training = history((10, by_row))
    torch.save(training.content(), tmp_path / "state.pt")
    loaded = torch.load(tmp_path / "state.pt", weights_only=True)
    assert training.early_maps is not None
    assert torch.equal(loaded["early_maps"], torch.from_numpy(training.early_maps))
    assert loaded["diagnostics"] == training.diagnostics
