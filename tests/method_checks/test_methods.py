"""What every method must do, shipped or not; run on each one that is registered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from infoseg_bench.contracts.registry import load_methods
from infoseg_bench.data.store import Store
from infoseg_bench.method_checks.check import Check
from infoseg_bench.method_checks.contract import CHECKS
from infoseg_bench.method_checks.leaks import leaks
from infoseg_bench.method_checks.subject import Subject
from tests.baselines.features.networks import write

METHODS = load_methods().methods
PAIRS: dict[str, Any] = {"width": 2, "batch": 4, "patch": 5, "branch": 4, "hidden": 8, "cluster_pixels": 200}
SMALL: dict[str, dict[str, Any]] = {
    "random-cnn": {"width": 2},
    "kmeans": {"sample": 500},
    "features-kmeans": {"pixels": 500},
    "infoseg": {"width": 4, "P": 8, "batch": 4},
    "ac": {"width": 2, "blocks": 2, "batch": 4, "radius": 2},
    "inmars": {"width": 2, "batch": 4, "adversary_start": 0},
    "iic": {"width": 2, "batch": 4, "radius": 2},
    "doersch": PAIRS,
    "isola": PAIRS,
}
"""Parameters that make a method quick; one that is missing here runs at its defaults."""


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("contract")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.title.replace(" ", "-"))
@pytest.mark.parametrize("name", sorted(METHODS))
def test_the_contract_holds(name: str, check: Check, photos: Path) -> None:
    settings = SMALL.get(name, {})
    if name == "features-kmeans":
        named = {"weights": str(write(photos / "tiny.pth")), "pretrained": "a tiny ViT, trained on nothing"}
        settings = {**settings, **named}
    reason = check.test(Subject(cls=METHODS[name], folder=photos, settings=settings))
    if reason:
        pytest.skip(reason)


@pytest.mark.parametrize("name", sorted(METHODS))
def test_a_method_is_registered_under_its_own_name(name: str) -> None:
    assert METHODS[name].name == name


@pytest.mark.parametrize("through", ["method", "train", "closure"])
def test_the_walk_for_leaks_finds_one_that_is_planted(photos: Path, through: str) -> None:
    subject = Subject(cls=METHODS["kmeans"], folder=photos)
    path = subject.store()
    opened = Store(path)
    arrays, method = opened.arrays(labels=True), subject.make()
    train = subject.train_images(method, path, arrays)
    assert arrays.labels is not None
    if through == "method":
        method.state_of_mind = {"deep": [torch.from_numpy(arrays.labels)[3:]]}  # type: ignore[attr-defined]
    elif through == "closure":
        method.peek = lambda: arrays.labels  # type: ignore[attr-defined]
    else:
        train.store = opened  # type: ignore[attr-defined]
    assert leaks(method, train, arrays=arrays, path=path)
