"""Do with every method, at both precisions, what a run does, and hold CUDA graphs against ordinary steps.

What was found is written as JSON after each:

    python benchmarks/gpu_smoke.py --device cuda --out smoke.json
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path

import torch
from gpu_plan import NEEDED, TOY

from infoseg_bench.contracts import Method, Task
from infoseg_bench.contracts.registry import load_methods
from infoseg_bench.profiling.clock import wait
from infoseg_bench.profiling.stage import random_stage
from infoseg_bench.runs.checkpoint_writer import snapshot
from infoseg_bench.training.network_method import NetworkMethod
from infoseg_bench.utils.device import choose_device, peak_device_bytes, use_device

STEPS = 4
GRAPH_STEPS = 20
TOLERANCE = 0.1
"""Of the distance that the weights moved, in bfloat16: two orders of the same operations differ by less."""


def attempt(cls: type[Method], precision: str, device: torch.device, *, toy: bool) -> dict[str, float]:
    """Train some steps, cluster, predict, save and load; return the last step's time and the peak memory."""
    chosen = {**_settings(cls, toy=toy), **({"precision": precision} if cls.is_iterative else {})}
    stage = random_stage(Task(dataset="coco-stuff-3", channels=3, crop=32 if toy else 128, clusters=3))
    method = stage.make(cls, cls.resolve("coco-stuff-3", chosen), device)
    train, times = stage.images(method), list[float]()
    for _ in islice(method.fit(train), STEPS if cls.is_iterative else None):
        wait(device)
        times.append(time.perf_counter())
    method.before_evaluation(train)
    method.predict(torch.rand(4, 3, stage.task.crop, stage.task.crop, device=device))
    method.load_state(snapshot(method.state()))
    last = 1000 * (times[-1] - times[-2]) if len(times) > 1 else 0.0
    return {"last_step_ms": round(last, 2), "peak_bytes": peak_device_bytes(device) or 0}


def _settings(cls: type[Method], *, toy: bool) -> dict[str, str]:
    chosen = (*NEEDED.get(cls.name, ()), *(TOY[cls.name] if toy else ()))
    return dict([setting.split("=", 1) for setting in chosen])


def attempt_graphs(cls: type[Method], device: torch.device, *, toy: bool) -> dict[str, object]:
    """Train with ordinary steps and with CUDA graphs; return how far apart the weights end.

    Both is relative to how far they moved, and to how far two trainings with ordinary steps end apart.
    """
    ends, used = list[torch.Tensor](), False
    start = _trained(cls, device, steps=0, toy=toy)[0]
    for graphs in (False, False, True):
        end, used = _trained(cls, device, steps=GRAPH_STEPS, toy=toy, graphs=graphs)
        ends.append(end)
    moved = float((ends[0] - start).norm())
    apart, noise = (float((end - ends[0]).norm()) / moved for end in (ends[2], ends[1]))
    return {"used": used, "apart": apart, "noise": noise, "hold": used and apart < max(TOLERANCE, 3 * noise)}


def _trained(
    cls: type[Method], device: torch.device, *, steps: int, toy: bool, graphs: bool = False
) -> tuple[torch.Tensor, bool]:
    """Return the weights after some steps, and whether they were CUDA graphs."""
    stage = random_stage(Task(dataset="coco-stuff-3", channels=3, crop=32 if toy else 128, clusters=3))
    parameters = cls.resolve("coco-stuff-3", {**_settings(cls, toy=toy), "precision": "bfloat16"})
    method = stage.make(cls, parameters, device, cuda_graph=graphs)
    assert isinstance(method, NetworkMethod)
    for _ in islice(method.fit(stage.images(method)), steps):
        pass
    weights = [weight.detach().flatten() for weight in method.network.parameters()]
    return torch.cat(weights), method.uses_graphs


def trials(device: torch.device, *, toy: bool) -> Iterator[tuple[str, Callable[[], object]]]:
    """Give what is tried, and its name; without a GPU the graphs of one method, whose steps are ordinary."""
    methods = dict(sorted(load_methods().methods.items()))
    trained = [name for name, cls in methods.items() if cls.is_iterative]
    for name in trained:
        yield f"{name} bfloat16", partial(attempt, methods[name], "bfloat16", device, toy=toy)
    for name in trained if device.type == "cuda" else ["infoseg"]:
        yield f"{name} graphs", partial(attempt_graphs, methods[name], device, toy=toy)
    for name, cls in methods.items():
        yield f"{name} float32", partial(attempt, cls, "float32", device, toy=toy)


def main() -> int:
    """Try all; return 1 if one fails."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--toy", action="store_true", help="tiny sizes, for a rehearsal on a CPU")
    options = parser.parse_args()
    device, found, failed = choose_device(options.device), dict[str, object](), list[str]()
    use_device(device)
    for name, trial in trials(device, toy=options.toy):
        try:
            found[name] = trial()
        # Whatever one method raises, the others are tried.
        except Exception as error:
            found[name] = {"error": f"{type(error).__name__}: {error}"[:500]}
            failed.append(name)
        options.out.write_text(json.dumps(found, indent=1) + "\n")
    print(f"failed: {', '.join(failed)}" if failed else "every method works")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
