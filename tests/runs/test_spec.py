from __future__ import annotations

from typing import Any

import pytest

from infoseg_bench.runs.spec import Budget, RunSpec

BASE: dict[str, Any] = {
    "dataset": "mini",
    "fingerprint": "ab" * 32,
    "protocol": "corrected",
    "method": "infoseg",
    "method_version": 1,
    "parameters": {"lr": 1e-4, "P": 1024},
    "budget": {"steps": 10, "evaluate_every": 5},
    "seed": 0,
}


@pytest.mark.parametrize(
    "change",
    [
        {"dataset": "other"},
        {"fingerprint": "cd" * 32},
        {"protocol": "published"},
        {"method": "iic"},
        {"method_version": 2},
        {"parameters": {"lr": 2e-4, "P": 1024}},
        {"budget": {"steps": 11, "evaluate_every": 5}},
        {"budget": {"steps": 10, "evaluate_every": 2}},
        {"budget": None},
        {"seed": 1},
    ],
)
def test_whatever_changes_a_result_changes_the_identity(change: dict[str, Any]) -> None:
    base, other = RunSpec(**BASE), RunSpec(**{**BASE, **change})
    assert other.identity != base.identity
    assert other.folder != base.folder
    assert (other.row == base.row) == ("seed" in change)


def test_the_identity_does_not_depend_on_the_order_of_parameters_and_survives_the_file() -> None:
    one = RunSpec(**BASE)
    other = RunSpec(**{**BASE, "parameters": {"P": 1024, "lr": 1e-4}})
    assert one.identity == other.identity
    assert RunSpec.model_validate_json(one.model_dump_json()).identity == one.identity


def test_the_identity_is_the_same_on_every_machine_and_in_every_version() -> None:
    assert RunSpec(**BASE).identity == "a4615b724f3982f5"


def test_a_budget_without_steps_is_refused() -> None:
    with pytest.raises(ValueError, match="greater than 0"):
        Budget(steps=0, evaluate_every=1)
