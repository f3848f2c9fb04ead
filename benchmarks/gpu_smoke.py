"""Do with every method, at both precisions, what a run does; write JSON after each.

python benchmarks/gpu_smoke.py --device cuda --out smoke.json
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from itertools import islice
from pathlib import Path

import torch
from gpu import TOY

from infoseg_bench.contracts import Method, Task
from infoseg_bench.contracts.registry import load_methods
from infoseg_bench.profiling.clock import wait
from infoseg_bench.profiling.stage import random_stage
from infoseg_bench.runs.checkpoint_writer import snapshot
from infoseg_bench.utils.device import choose_device, peak_device_bytes, use_device

STEPS = 4


def attempt(cls: type[Method], precision: str, device: torch.device, *, toy: bool) -> dict[str, float]:
    """Train some steps, cluster, predict, save and load; return the last step's time and the peak memory."""
    settings = dict([setting.split("=", 1) for setting in TOY[cls.name]])
    chosen = {**(settings if toy else {}), **({"precision": precision} if cls.is_iterative else {})}
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


def main() -> int:
    """Try all; return 1 if one fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--toy", action="store_true", help="tiny sizes, for a rehearsal on a CPU")
    options = parser.parse_args()
    device, found, failed = choose_device(options.device), dict[str, object](), list[str]()
    use_device(device)
    for precision in ("bfloat16", "float32"):
        for name, cls in sorted(load_methods().methods.items()):
            if precision == "bfloat16" and not cls.is_iterative:
                continue
            try:
                found[f"{name} {precision}"] = attempt(cls, precision, device, toy=options.toy)
            # Whatever one method raises, the others are tried.
            except Exception as error:
                found[f"{name} {precision}"] = f"{type(error).__name__}: {error}"[:500]
                failed.append(f"{name} {precision}")
            options.out.write_text(json.dumps(found, indent=1) + "\n")
    print(f"failed: {', '.join(failed)}" if failed else "every method works")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
