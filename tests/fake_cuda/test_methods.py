"""Every method and every choice of its parameters on a GPU that only claims to be one."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest
import torch

from infoseg_bench.contracts.registry import load_methods

GUARD = Path(__file__).with_name("guard.cpp")
METHODS = sorted(load_methods().methods)
WAITS: dict[str, frozenset[str]] = {}
"""Where training steps may wait for the device, as FILE:FUNCTION: REASON. No method waits anywhere today."""

pytestmark = [
    pytest.mark.skipif(torch.version.cuda is not None, reason="needs a build of torch without CUDA"),
    pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler: g++"),
]


@pytest.fixture(scope="module")
def environment(pytestconfig: pytest.Config) -> dict[str, str]:
    """Compile what this torch lacks, unless an earlier test run has."""
    folder = Path(pytestconfig.cache.mkdir("fake_cuda")) if pytestconfig.cache else Path()
    spec = importlib.util.find_spec("torch")
    assert spec is not None
    assert spec.origin is not None
    base = Path(spec.origin).parent
    library = folder / f"guard-{torch.__version__}-{GUARD.stat().st_mtime_ns}.so"
    if not library.exists():
        partial = library.with_suffix(f".{os.getpid()}")
        flags = ["-std=c++20", "-O0", "-fPIC", "-shared", f"-I{base}/include", f"-L{base}/lib"]
        flags += [f"-I{sysconfig.get_path('include')}", "-lc10", "-ltorch_cpu", f"-Wl,-rpath,{base}/lib"]
        subprocess.run(["g++", str(GUARD), *flags, "-o", str(partial)], check=True)
        partial.replace(library)
    return {**os.environ, "FAKE_CUDA_GUARD": str(library)}


def run(environment: dict[str, str], module: str, *words: str) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", f"tests.fake_cuda.{module}", *words]
    done = subprocess.run(
        command, cwd=GUARD.parents[2], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def outcomes(environment: dict[str, str]) -> list[dict[str, Any]]:
    return run(environment, "methods", *METHODS)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_does_all_that_a_run_does_with_every_choice_of_its_parameters(
    name: str, outcomes: list[dict[str, Any]]
) -> None:
    found = [outcome for outcome in outcomes if outcome.get("method") == name]
    assert len(found) >= 2
    assert [outcome for outcome in found if outcome["error"]] == []


@pytest.mark.parametrize("name", METHODS)
def test_a_training_step_waits_for_the_device_only_where_it_may(
    name: str, outcomes: list[dict[str, Any]]
) -> None:
    waits = {wait for outcome in outcomes if outcome.get("method") == name for wait in outcome["waits"]}
    assert waits <= WAITS.get(name, frozenset())


@pytest.mark.parametrize("name", [name for name in METHODS if load_methods().method(name).is_iterative])
def test_steps_are_recorded_as_cuda_graphs_after_warming_up_and_again_after_a_state_is_loaded(
    name: str, outcomes: list[dict[str, Any]]
) -> None:
    (found,) = (outcome for outcome in outcomes if outcome.get("graphs of") == name)
    assert found["error"] is None
    assert found["recorded"] == [1, 1]
    assert set(found["waits"]) <= WAITS.get(name, frozenset())


@pytest.fixture(scope="module")
def trials(environment: dict[str, str]) -> list[dict[str, Any]]:
    return run(environment, "trials")


def test_the_fake_device_refuses_and_logs_what_cuda_would(trials: list[dict[str, Any]]) -> None:
    refused, logged, free = (
        [trial for trial in trials if trial["kind"] == kind] for kind in ("refused", "logged", "free")
    )
    assert len(refused) * len(logged) * len(free) > 0
    assert [trial["name"] for trial in refused if not trial["raised"]] == []
    assert [trial["name"] for trial in logged if not trial["waits"]] == []
    assert [trial["name"] for trial in free if trial["raised"] or trial["waits"]] == []


def test_copies_from_a_device_that_is_not_the_current_one_are_waited_for(
    trials: list[dict[str, Any]],
) -> None:
    found = trials[-1]
    assert found["events"] == [1]
    assert found["synchronised"] == [1]
    assert found["current"] == 1


def test_only_the_precision_tf32_lets_a_gpu_round_to_it(trials: list[dict[str, Any]]) -> None:
    (found,) = (trial for trial in trials if trial["kind"] == "rounding")
    for precision in ("float32", "bfloat16"):
        assert found[precision] == [False] * 4
    assert found["tf32"] == [True, True, False, False]
