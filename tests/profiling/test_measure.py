from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner

from infoseg_bench.cli import main
from infoseg_bench.contracts.registry import load_methods
from infoseg_bench.infoseg.method import InfoSeg
from infoseg_bench.planning.suite import Suite
from infoseg_bench.profiling.clock import matrix_rate
from infoseg_bench.profiling.estimate import Estimator
from infoseg_bench.profiling.measure import measure
from infoseg_bench.profiling.stage import random_stage
from infoseg_bench.records.spec import Budget

CPU = torch.device("cpu")
SMALL = {"width": 4, "P": 8, "batch": 4}


def test_operations_are_those_of_the_convolutions_and_products_of_a_step() -> None:
    parameters = InfoSeg.resolve(
        "random",
        {**SMALL, "context": 0, "batch_norm": False, "normalisation": "scale", "pairing": "permuted"},
    )
    speed = measure(InfoSeg, parameters, random_stage(crop=16, clusters=3), CPU, seconds=0.0)
    # Multiply-adds for one image: A, hidden layers of C for L and H (crop 16: B has no layer), last
    # layer of H's C with its shortcut, D, and folding; then <L, H> of own and other image.
    P, grid, places, K = 8, 8, 16, 3
    Q = P + grid + 8
    first = 64 * 4 * 3 * 16
    rest = places * grid * 4 * 16 + places * grid * P + 2 * grid * P + P * P + K * P * P
    forward = first + rest + K * P * Q + 2 * K * places * Q
    # The backward pass costs twice as much, but for the gradient of the images, which nobody needs.
    assert speed.flops_per_step == 2 * 4 * (3 * forward - first)
    assert speed.images_per_step == 4
    assert speed.flops_per_second == pytest.approx(speed.flops_per_step / speed.seconds_per_step)
    assert speed.matrix_share == pytest.approx(speed.flops_per_second / speed.matrix_flops_per_second)
    assert speed.images_per_second == pytest.approx(4 / speed.seconds_per_step)
    assert speed.data_share > 0
    assert speed.outside_network_share is not None
    assert speed.outside_network_share < 1
    assert speed.peak_of == "process"


def test_the_matrix_rate_is_positive_at_both_precisions() -> None:
    assert matrix_rate(CPU, torch.float32, seconds=0.0) > 0


def estimator(lines: list[str]) -> Estimator:
    return Estimator(
        registry=load_methods(()), prepared={}, device=CPU, compile=False, seconds=0.0, announce=lines.append
    )


def suite(**changes: Any) -> Suite:
    base = {"title": "t", "datasets": ["a", "b"], "methods": ["kmeans", "infoseg"], "seeds": [0, 1]}
    budget = Budget(steps=100, evaluate_every=50)
    return Suite.model_validate({**base, "budget": budget, "parameters": {"infoseg": SMALL}, **changes})


def test_a_suites_hours_are_its_steps_at_its_own_parameters() -> None:
    lines: list[str] = []
    judge = estimator(lines)
    found = judge.estimate("mine", suite(), ["infoseg", "kmeans"])
    # Two data sets that nobody has prepared are measured once.
    assert len(lines) == 1
    ((step, _),) = judge._known.values()
    assert found.hours == pytest.approx(2 * 2 * 100 * step / 3600)
    assert found.by_method == {"infoseg": found.hours}
    assert found.assumed == ["a", "b"]
    assert found.left_out == ["kmeans"]
    twice = judge.estimate("mine", suite(variants={"infoseg": [{}, {"tau": 0.8}]}), ["infoseg"])
    assert twice.hours == pytest.approx(2 * found.hours)


def test_a_part_of_a_suite_is_estimated_for_the_methods_chosen() -> None:
    assert estimator([]).estimate("mine", suite(), []).hours == 0


def speed(tmp_path: Path, *words: str) -> tuple[int, str]:
    small = [f"--set=infoseg.{name}={value}" for name, value in SMALL.items()]
    command = ["speed", "--method", "infoseg", *small, "--data", str(tmp_path), "--seconds", "0", *words]
    result = CliRunner().invoke(main, command, catch_exceptions=False)
    return result.exit_code, result.stdout if result.exit_code == 0 else result.output


def test_the_command_prints_json_that_a_script_can_read(tmp_path: Path) -> None:
    status, output = speed(tmp_path, "--json", "--no-suites", "--device", "cpu")
    assert status == 0
    figures = json.loads(output)
    assert figures["speeds"][0]["method"] == "infoseg"
    assert figures["speeds"][0]["images_per_second"] > 0
    assert figures["suites"] == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--method", "kmeans"], "kmeans: does not train by steps"),
        (["--dataset", "none"], "none"),
        (["--device", "tpu9"], "--device tpu9"),
        (["--set", "infoseg.batch=0"], "infoseg.batch=0"),
    ],
)
def test_a_wrong_word_is_one_clear_line(tmp_path: Path, words: list[str], says: str) -> None:
    status, output = speed(tmp_path, *words)
    assert status == 2
    assert says in output
    assert "Traceback" not in output
