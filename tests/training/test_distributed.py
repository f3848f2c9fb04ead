"""Two gloo processes against one, on the CPU."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.cli.commands import environment
from tests.data.miniature import write_store
from tests.training.processes import BATCH, STEPS, train, train_iic

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("processes")
    store = write_store(folder / "mini.h5")
    torch.save(train(store, steps=STEPS // 2)["state"], folder / "single.pt")
    words = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    words += ["-m", "tests.training.processes", str(folder), str(store)]
    done = subprocess.run(words, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    ranks = [torch.load(folder / f"rank{rank}.pt", weights_only=True) for rank in range(2)]
    return {"one": train(store), "one iic": train_iic(store), "ranks": ranks}


def flat(state: dict[str, Any]) -> dict[str, torch.Tensor]:
    moments = {
        f"{index} {name}": value
        for index, values in state["optimiser"]["state"].items()
        for name, value in values.items()
    }
    return {**state["network"], **moments}


def test_both_ranks_have_the_same_weights_to_the_bit(results: dict[str, Any]) -> None:
    first, second = (flat(rank["state"]) for rank in results["ranks"])
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert torch.equal(value, second[name]), name


def test_weights_and_batch_statistics_are_those_of_one_process(results: dict[str, Any]) -> None:
    one, shared = flat(results["one"]["state"]), flat(results["ranks"][0]["state"])
    assert one.keys() == shared.keys()
    assert any(name.endswith("running_var") for name in one)
    for name, value in one.items():
        torch.testing.assert_close(shared[name], value, rtol=1e-3, atol=1e-5, msg=name)


def test_scalars_are_those_of_the_whole_batch(results: dict[str, Any]) -> None:
    for expected, *found in zip(
        results["one"]["scalars"], *(r["scalars"] for r in results["ranks"]), strict=True
    ):
        assert found[0] == found[1] == pytest.approx(expected, rel=1e-4)


def test_the_ranks_share_the_very_batches_that_one_process_would_take(results: dict[str, Any]) -> None:
    whole, first, second = (run["seen"] for run in (results["one"], *results["ranks"]))
    assert [len(share) for share in (*first, *second)] == [BATCH // 2] * (2 * STEPS)
    for batch, *shares in zip(whole, first, second, strict=True):
        assert torch.equal(batch, torch.cat(shares))
    assert results["ranks"][0]["taken"] == results["one"]["taken"] == BATCH * STEPS


def test_a_state_of_one_process_is_taken_up_by_two(results: dict[str, Any]) -> None:
    found = flat(results["ranks"][1]["taken up"]["state"])
    for name, value in flat(results["one"]["state"]).items():
        torch.testing.assert_close(found[name], value, rtol=1e-3, atol=1e-5, msg=name)


def test_iics_joint_distribution_is_that_of_the_whole_batch(results: dict[str, Any]) -> None:
    """Released, the loss sees the whole batch, and only batch normalisation a part of it (protocol 3.2)."""
    one = results["one iic"]
    for rank in results["ranks"]:
        assert rank["iic"]["losses"] == pytest.approx(one["losses"], rel=1e-4)
        for name, value in one["network"].items():
            torch.testing.assert_close(rank["iic"]["network"][name], value, rtol=1e-3, atol=1e-5, msg=name)


def test_a_flag_raised_by_one_rank_is_known_to_all(results: dict[str, Any]) -> None:
    assert [rank["votes"] for rank in results["ranks"]] == [[True, False]] * 2
