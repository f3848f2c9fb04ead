from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from click.testing import CliRunner

from infoseg_bench.baselines.iic import IIC
from infoseg_bench.baselines.inmars.inmars import InMARS
from infoseg_bench.cli import main
from infoseg_bench.contracts import Task
from infoseg_bench.contracts.registry import load_methods, load_recipes
from infoseg_bench.data.train_images import TrainBatch
from infoseg_bench.infoseg.infoseg import InfoSeg
from infoseg_bench.planning.suite import Suite
from infoseg_bench.profiling.clock import matrix_rate
from infoseg_bench.profiling.measure import measure, training
from infoseg_bench.profiling.stage import random_stage, unprepared_task
from infoseg_bench.profiling.suite_hours import Estimator
from infoseg_bench.records.spec import Budget
from infoseg_bench.utils.device import peak_host_bytes

CPU = torch.device("cpu")
STAGE = random_stage(Task(dataset="random", channels=3, crop=16, clusters=3))
SMALL = {"width": 4, "P": 8, "batch": 4}


def test_operations_are_those_of_the_convolutions_and_products_of_a_step() -> None:
    parameters = InfoSeg.resolve(
        "random",
        {**SMALL, "context": 0, "batch_norm": False, "normalisation": "scale", "pairing": "permuted"},
    )
    speed = measure(
        InfoSeg,
        parameters,
        random_stage(Task(dataset="random", channels=3, crop=16, clusters=3)),
        CPU,
        seconds=0.0,
    )
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
    assert 0 <= speed.outside_network_share < 1
    assert speed.peak_of == "process"


def test_the_peak_is_that_of_the_measured_steps_and_not_of_the_step_that_is_counted_without_compiling(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    profiling = sys.modules[measure.__module__]
    before, count = peak_host_bytes(), profiling._count

    def hungry(*arguments: Any) -> Any:
        needed = before + 2**28 - psutil.Process().memory_info().rss
        torch.ones(needed // 4)
        return count(*arguments)

    monkeypatch.setattr(profiling, "_count", hungry)
    parameters = InfoSeg.resolve("random", {**SMALL, "context": 0})
    speed = measure(InfoSeg, parameters, STAGE, CPU, seconds=0.0)
    assert peak_host_bytes() >= before + 2**27
    assert speed.peak_bytes < before + 2**27


def test_the_matrix_rate_is_positive_at_both_precisions() -> None:
    assert matrix_rate(CPU, torch.float32, seconds=0.0) > 0


def estimator(lines: list[str]) -> Estimator:
    return Estimator(
        registry=load_methods(()),
        recipes={},
        prepared={},
        device=CPU,
        compile=False,
        cuda_graph=False,
        seconds=0.0,
        announce=lines.append,
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
    (cost,) = judge._known.values()
    assert found.hours == pytest.approx(2 * 2 * 100 * cost.step / 3600)
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
        (["--method", "kmeans"], "kmeans: does not train in steps"),
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


def test_inmars_is_measured_with_superpixels_and_with_its_adversaries_in_half_of_the_steps() -> None:
    task = Task(dataset="random", channels=3, crop=32, clusters=3)
    calm, attacked, half = (
        measure(
            InMARS,
            InMARS.resolve("random", {"width": 2, "batch": 2, "adversary_start": start}),
            random_stage(task),
            CPU,
            seconds=0.0,
        ).flops_per_step
        for start in (1.0, 0.0, 0.5)
    )
    assert calm < half < attacked
    assert half == (calm + attacked) // 2


def test_heads_that_take_turns_are_both_measured() -> None:
    method = STAGE.make(IIC, IIC.resolve("random", {"width": 2, "batch": 4, "radius": 1}), CPU)
    assert isinstance(method, IIC)
    trained: list[str] = []
    losses = method._step_losses

    def noting(batch: TrainBatch, generator: torch.Generator) -> dict[str, torch.Tensor]:
        trained.append(method.head())
        return losses(batch, generator)

    method._step_losses = noting
    training(method, STAGE.images(method))()
    assert sorted(trained) == ["a", "b"]


def test_a_data_set_that_is_not_prepared_is_measured_at_its_own_sizes(tmp_path: Path) -> None:
    task = unprepared_task("potsdam", load_recipes().recipes)
    assert (task.channels, task.crop, task.clusters) == (4, 200, 6)
    status, output = speed(
        tmp_path, "--json", "--no-suites", "--device", "cpu", "--dataset", "synthetic-scenes"
    )
    assert status == 0
    assert json.loads(output)["speeds"][0]["images_per_step"] == 4
