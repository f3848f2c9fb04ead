"""Recorded steps against ordinary ones: on the CPU by a tape in a graph's place, and by graphs on a GPU."""

from __future__ import annotations

import copy
import logging
from itertools import islice
from typing import Any

import pytest
import torch
from torch import Tensor

from infoseg_bench.contracts import RunContext, Task
from infoseg_bench.contracts.registry import load_methods
from infoseg_bench.profiling.stage import random_stage
from infoseg_bench.training.graphable_method import GraphableMethod
from infoseg_bench.training.step_graphs import WARM_UP, StepGraphs
from tests.training.tape import TapeRecorder
from tests.training.test_network_method import Fitting

STEPS, GPU_STEPS = 10, 20
STAGE = random_stage(Task(dataset="none", channels=3, crop=20, clusters=3))
# A power of two, so that the rate is the same number as a tensor.
SMALL: dict[str, Any] = {"batch": 2, "lr": 2.0**-11, "width": 2}
PAIRS = {"patch": 5, "branch": 4, "hidden": 4}
CASES: dict[str, tuple[str, dict[str, Any], int]] = {
    "infoseg": ("infoseg", {"P": 8, "flip": True, "jitter": "view", "negatives": "shifted"}, 1),
    "infoseg, another image": ("infoseg", {"P": 8, "pairing": "permuted", "batch_norm": True}, 1),
    "infoseg, by IIC's information": ("infoseg", {"P": 8, "estimator": "iic"}, 1),
    "iic": ("iic", {"radius": 2, "idle_head": "published"}, 1),
    "inmars": ("inmars", {"adversary_start": 0.5}, 2),
    "doersch": ("doersch", PAIRS, 1),
    "isola": ("isola", PAIRS, 1),
}
"""Method, parameters, and how many graphs its steps take."""


def make(
    name: str, changes: dict[str, Any], *, device: str = "cpu", graphs: bool = False, steps: int = STEPS
) -> GraphableMethod:
    cls = load_methods().method(name)
    run = RunContext(seed=3, device=torch.device(device), steps=steps, cuda_graph=graphs)
    method = cls(cls.resolve("none", {**SMALL, **changes}), STAGE.task, run)
    assert isinstance(method, GraphableMethod)
    return method


def lasting(method: GraphableMethod) -> list[Tensor]:
    """All that a step changes and the next one reads."""
    moments = [value for values in method.optimiser.state.values() for value in values.values()]
    return [*method.network.state_dict().values(), *moments]


def train(method: GraphableMethod, steps: int | None = None) -> list[dict[str, float]]:
    progress = islice(method.fit(STAGE.images(method)), steps)
    return [{name: float(value) for name, value in done.scalars.items()} for done in progress]


def on_tape(monkeypatch: pytest.MonkeyPatch, method: GraphableMethod) -> TapeRecorder:
    recorder = TapeRecorder(lambda: lasting(method))
    # As on a GPU: how many images are adjusted how differs from step to step.
    monkeypatch.setattr("infoseg_bench.images.color_jitter.host_knows", lambda values: False)
    monkeypatch.setattr(method, "_graphs", StepGraphs(recorder))
    monkeypatch.setattr(method, "why_not_graphs", lambda train: "")
    return recorder


@pytest.mark.parametrize("case", CASES)
def test_recorded_steps_give_the_weights_and_scalars_of_ordinary_ones(
    monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    name, changes, graphs = CASES[case]
    plain, recorded = make(name, changes), make(name, changes, graphs=True)
    recorder = on_tape(monkeypatch, recorded)
    assert train(recorded) == train(plain)
    assert recorder.recorded == graphs
    for one, other in zip(lasting(recorded), lasting(plain), strict=True):
        assert torch.equal(one, other)


def test_heads_that_take_turns_have_graphs_of_their_own_and_each_moves_its_weights(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    changes = {"radius": 2, "idle_head": "published"}
    methods = [make("iic", changes, steps=15), make("iic", changes, graphs=True, steps=15)]
    recorder = on_tape(monkeypatch, methods[1])
    for method in methods:
        train_images = STAGE.images(method)
        monkeypatch.setattr(type(train_images), "__len__", lambda images: 10, raising=False)
        for _ in method.fit(train_images):
            pass
    # A pass of five steps each: head A before and after B has begun to move, and B.
    assert recorder.recorded == 3
    for one, other in zip(lasting(methods[0]), lasting(methods[1]), strict=True):
        assert torch.equal(one, other)


def test_the_learning_rate_of_a_recorded_step_follows_its_schedule_and_checkpoints_do_not_show_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    changes = {"P": 8, "schedule": "cosine"}
    plain, recorded = make("infoseg", changes), make("infoseg", changes, graphs=True)
    on_tape(monkeypatch, recorded)
    train(plain)
    train(recorded)
    for one, other in zip(lasting(recorded), lasting(plain), strict=True):
        torch.testing.assert_close(one, other)
    assert recorded.state()["optimiser"]["param_groups"] == plain.state()["optimiser"]["param_groups"]


def test_after_a_state_is_loaded_graphs_are_recorded_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    changes = {"P": 8}
    plain = make("infoseg", changes, steps=10)
    recorded = make("infoseg", changes, graphs=True, steps=10)
    recorder = on_tape(monkeypatch, recorded)
    for method in (plain, recorded):
        train(method, steps=5)
        saved = copy.deepcopy(method.state())
        train(method, steps=1)
        method.load_state(saved)
        train(method)
    assert recorder.recorded == 2
    for one, other in zip(lasting(recorded), lasting(plain), strict=True):
        assert torch.equal(one, other)


def test_ac_takes_a_graph_for_every_pair_of_orderings(monkeypatch: pytest.MonkeyPatch) -> None:
    changes = {"blocks": 1, "radius": 2, "orderings": "opposite", "arl_weight": 1.0}
    plain, recorded = make("ac", changes, steps=12), make("ac", changes, graphs=True, steps=12)
    recorder = on_tape(monkeypatch, recorded)
    monkeypatch.setattr("infoseg_bench.training.step_graphs.WARM_UP", 1)
    assert train(recorded) == train(plain)
    # Of eight orderings with their opposites, twelve steps meet some twice.
    assert 2 <= recorder.recorded <= 6
    for one, other in zip(lasting(recorded), lasting(plain), strict=True):
        assert torch.equal(one, other)


def test_without_a_gpu_and_with_draws_inside_losses_a_warning_says_why_steps_are_ordinary(
    caplog: pytest.LogCaptureFixture,
) -> None:
    infoseg = make("infoseg", {"P": 8}, graphs=True)
    context = RunContext(seed=0, device=torch.device("cpu"), steps=1, cuda_graph=True)
    fitting = Fitting(Fitting.resolve("none", {"batch": 2}), STAGE.task, context)
    with caplog.at_level(logging.WARNING):
        next(iter(infoseg.fit(STAGE.images(infoseg))))
        next(iter(fitting.fit(STAGE.images(fitting))))
    assert [record.getMessage() for record in caplog.records] == [
        "infoseg trains without CUDA graphs: cpu has none",
        "fitting trains without CUDA graphs: it draws random numbers within its losses",
    ]
    assert not infoseg.uses_graphs


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("case", CASES)
def test_cuda_graphs_end_within_bfloat16s_rounding_of_ordinary_steps(case: str, precision: str) -> None:
    name, changes, graphs = CASES[case]
    changes = {**changes, "precision": precision}
    plain, recorded = (
        make(name, changes, device="cuda", graphs=use, steps=GPU_STEPS) for use in (False, True)
    )
    train(plain)
    train(recorded)
    assert recorded.uses_graphs
    assert recorded._graphs is not None
    assert len(recorded._graphs._graphs) == graphs
    assert GPU_STEPS > 2 * WARM_UP + 2
    # Adam moves a weight by about its rate, whatever the gradient: rounding may turn single moves around.
    for one, other in zip(lasting(recorded), lasting(plain), strict=True):
        torch.testing.assert_close(one, other, rtol=2**-7, atol=GPU_STEPS * SMALL["lr"] / 10)
