from __future__ import annotations

import math

import pytest
import torch

from infoseg_bench.baselines.ac.info_nce import info_nce


def test_scores_that_say_nothing_give_no_information() -> None:
    assert float(info_nce(torch.zeros(5, 3), torch.rand(5, 3), temperature=0.1)) == pytest.approx(0, abs=1e-6)


def test_partners_that_cannot_be_missed_give_log_n() -> None:
    vectors = torch.eye(6)
    assert float(info_nce(vectors, vectors, temperature=0.01)) == pytest.approx(math.log(6), abs=1e-5)


def test_golden_value_of_two_pairs() -> None:
    vectors = torch.eye(2)
    # One partner at e^1, one other at e^0, both ways.
    assert float(info_nce(vectors, vectors, temperature=1.0)) == pytest.approx(
        math.log(2) - math.log(1 + math.exp(-1))
    )
