from __future__ import annotations

import subprocess
import sys

import torch
from hypothesis import given
from hypothesis import strategies as st

from infoseg_bench.utils.randomness import generator

words = st.one_of(st.integers(-(2**40), 2**40), st.text(max_size=8))
purposes = st.lists(words, max_size=3).map(tuple)
seeds = st.integers(0, 2**63)


def draw(seed: int, *purpose: int | str) -> list[int]:
    numbers: list[int] = torch.randint(2**62, (4,), generator=generator(seed, *purpose)).tolist()
    return numbers


@given(seed=seeds, purpose=purposes)
def test_the_same_seed_and_purpose_draw_the_same(seed: int, purpose: tuple[int | str, ...]) -> None:
    assert draw(seed, *purpose) == draw(seed, *purpose)


@given(asked=st.lists(st.tuples(seeds, purposes), min_size=2, max_size=6, unique=True))
def test_different_seeds_and_purposes_draw_differently(
    asked: list[tuple[int, tuple[int | str, ...]]],
) -> None:
    assert len({tuple(draw(seed, *purpose)) for seed, purpose in asked}) == len(asked)


def test_seed_and_purpose_do_not_run_into_each_other() -> None:
    asked: list[tuple[int | str, ...]] = [
        ("1",),
        (1,),
        (11,),
        (1, 1),
        ("1", 1),
        ("1, 1",),
        ("a", "b"),
        ("ab",),
    ]
    assert len({tuple(draw(0, *purpose)) for purpose in asked}) == len(asked)


def test_another_process_draws_the_same() -> None:
    code = (
        "import torch; from infoseg_bench.utils.randomness import generator; "
        "print(torch.randint(2**62, (4,), generator=generator(7, 'crops', 3)).tolist())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(draw(7, "crops", 3))


def test_drawing_leaves_the_global_random_state_alone() -> None:
    state = torch.get_rng_state()
    draw(0, "crops")
    assert torch.equal(torch.get_rng_state(), state)
