"""Pairs of windows drawn by the project and by a transcription of protocol 3.3 and 9, as distributions."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.stats import chi2_contingency, ks_2samp

from infoseg_bench.baselines.pairs.doersch import Doersch
from infoseg_bench.baselines.pairs.isola import Isola
from infoseg_bench.baselines.pairs.pair_method import PairMethod
from infoseg_bench.contracts import RunContext, Task

WINDOW, DRAWS = 11, 3000
LEAST = 1e-4
"""Of the probabilities of a difference as large, had both the same distribution."""


def first_centre(random: np.random.Generator, size: int) -> np.ndarray:
    """Draw a centre at least 1.5 windows from every border: rows 16 to 111 of 128."""
    return np.floor(random.random(2) * (size - 3 * WINDOW) + 1.5 * WINDOW).astype(int)


def lies_inside(centre: np.ndarray, size: int) -> bool:
    return bool((centre >= WINDOW // 2).all() and (centre < size - WINDOW // 2).all())


def polar(distance: float, angle: float) -> np.ndarray:
    return np.array([distance * np.sin(angle), distance * np.cos(angle)])


def doersch(random: np.random.Generator, size: int) -> tuple[int, ...]:
    while True:
        label, first = int(random.integers(9)), first_centre(random, size)
        second = (first + polar(random.uniform(1.5 * WINDOW, 2 * WINDOW), label * math.pi / 4)).astype(int)
        if lies_inside(second, size):
            return (label, *first.tolist(), *second.tolist())


def isola(random: np.random.Generator, size: int) -> tuple[int, ...]:
    adjacent = random.random() < 0.5
    while True:
        first = first_centre(random, size)
        if adjacent:
            second = first + WINDOW * random.choice([-1, 1], size=2)
        else:
            offset = polar(random.uniform(2 * WINDOW, size), random.uniform(0, 2 * math.pi))
            second = (first + offset).astype(int)
        if lies_inside(second, size):
            return (int(adjacent), *first.tolist(), *second.tolist())


def drawn_by(cls: type[PairMethod], size: int) -> np.ndarray:
    published = {"directions": "published"} if cls is Doersch else {"neighbours": "published"}
    small = {"width": 1, "branch": 1, "hidden": 1, "patch": WINDOW}
    task = Task(dataset="tiny", channels=3, crop=size, clusters=3)
    method = cls(cls.resolve("tiny", {**small, **published}), task, RunContext(
        seed=0, device=torch.device("cpu"), steps=1
    ))  # fmt: skip
    generator = torch.Generator().manual_seed(1)
    pairs = [method.place(size, generator) for _ in range(DRAWS)]
    return np.array([(pair.target, *pair.first, *pair.second) for pair in pairs])


def described(pairs: np.ndarray) -> dict[str, np.ndarray]:
    """Return numbers whose distributions are compared, label by label where that decides them."""
    offsets = pairs[:, 3:] - pairs[:, 1:3]
    values = {
        "row": pairs[:, 1],
        "column": pairs[:, 2],
        "second row": pairs[:, 3],
        "second column": pairs[:, 4],
    }
    for label in np.unique(pairs[:, 0]):
        of = offsets[pairs[:, 0] == label]
        values[f"distance of {label}"] = np.hypot(of[:, 0], of[:, 1])
        values[f"down of {label}"], values[f"right of {label}"] = of[:, 0], of[:, 1]
    return values


@pytest.mark.parametrize("size", [128, 64])
@pytest.mark.parametrize(("cls", "transcribed"), [(Doersch, doersch), (Isola, isola)])
def test_pairs_have_the_distribution_of_the_transcription(
    cls: type[PairMethod], transcribed: Callable[[np.random.Generator, int], tuple[int, ...]], size: int
) -> None:
    random = np.random.default_rng(0)
    found, expected = drawn_by(cls, size), np.array([transcribed(random, size) for _ in range(DRAWS)])
    labels = np.union1d(found[:, 0], expected[:, 0])
    table = [[int((pairs[:, 0] == label).sum()) for label in labels] for pairs in (found, expected)]
    assert chi2_contingency(table).pvalue > LEAST
    ours, theirs = described(found), described(expected)
    assert ours.keys() == theirs.keys()
    for name, values in ours.items():
        assert ks_2samp(values, theirs[name]).pvalue > LEAST, name
