"""Trains a step of methods with and without `--compile`; prints what went to the compiler, as JSON.

A process of its own: the checks of types that tests add are not for a compiler to follow.
"""

from __future__ import annotations

import json
from typing import Any

import torch
from torch import Tensor
from torch.fx import GraphModule

from infoseg_bench.contracts import RunContext, Task
from infoseg_bench.contracts.registry import load_methods
from infoseg_bench.profiling.stage import random_stage

STAGE = random_stage(Task(dataset="none", channels=3, crop=16, clusters=3))
SMALL: dict[str, dict[str, Any]] = {
    "ac": {"width": 2, "blocks": 1, "batch": 2, "radius": 2},
    "infoseg": {"width": 2, "P": 8, "batch": 2, "context": 0},
    "inmars": {"width": 1, "batch": 2},
}


def loss_of_a_step(name: str, *, compile: bool) -> float:
    """Train one step."""
    cls = load_methods().method(name)
    context = RunContext(seed=0, device=torch.device("cpu"), steps=4, compile=compile)
    method = cls(cls.resolve("none", SMALL[name]), STAGE.task, context)
    return float(next(iter(method.fit(STAGE.images(method)))).scalars["loss"])


def main() -> None:
    """Count the graphs that each step gives to a backend, which runs them as they are."""
    torch.set_num_threads(1)
    given: list[GraphModule] = []

    def backend(graph: GraphModule, inputs: list[Tensor]) -> Any:
        given.append(graph)
        return graph.forward

    with torch.compiler.set_stance("default", force_backend=backend):
        for name in SMALL:
            given.clear()
            plain, none = loss_of_a_step(name, compile=False), len(given)
            compiled, some = loss_of_a_step(name, compile=True), len(given)
            print(json.dumps({"method": name, "losses": [plain, compiled], "graphs": [none, some]}))


if __name__ == "__main__":
    main()
