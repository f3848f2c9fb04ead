"""Two forms of the same computation, each in a process of its own: time, memory, and the same result."""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor


def measure(
    form: Callable[[], Tensor], inputs: Sequence[Tensor], *, device: torch.device, repeats: int
) -> dict[str, float]:
    """Time forward and backward of one form.

    Args:
        form: computes the loss from `inputs`
        inputs: what the loss is differentiated by
        device: where they are
        repeats: timed steps, of which the fastest counts: the others were disturbed

    Returns:
        seconds of a step, peak bytes above the inputs (on the CPU: of the whole process), the loss
    """
    before = _memory(device)
    seconds, loss = [], 0.0
    for _ in range(repeats):
        _wait(device)
        began = time.perf_counter()
        estimate = form()
        torch.autograd.grad(estimate, inputs)
        _wait(device)
        seconds.append(time.perf_counter() - began)
        loss = float(estimate.detach())
    return {"seconds": min(seconds), "bytes": _memory(device) - before, "loss": loss}


def compare(script: str, slow: str, fast: str, sizes: Mapping[str, str | int]) -> dict[str, float]:
    """Measure two forms by calling `script --form NAME --SIZE VALUE ...`, and give their ratios."""
    argv = [word for name, value in sizes.items() for word in (f"--{name}", str(value))]
    both = {}
    for form in (slow, fast):
        done = subprocess.run(
            [sys.executable, script, "--form", form, *argv], stdout=subprocess.PIPE, text=True, check=True
        )
        both[form] = json.loads(done.stdout)
    one, other = both[slow], both[fast]
    return {
        "time_ratio": one["seconds"] / other["seconds"],
        "memory_ratio": one["bytes"] / other["bytes"],
        f"seconds_{slow}": one["seconds"],
        f"seconds_{fast}": other["seconds"],
        f"bytes_{slow}": one["bytes"],
        f"bytes_{fast}": other["bytes"],
        "loss_difference": abs(one["loss"] - other["loss"]),
    }


def options_of(description: str, forms: Sequence[str], sizes: Mapping[str, int]) -> argparse.ArgumentParser:
    """Return a parser of --form, --device and the sizes."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=description, formatter_class=raw)
    parser.add_argument("--form", choices=sorted(forms), help="measure this one alone")
    parser.add_argument("--device", default="cpu")
    for name, default in sizes.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    return parser


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _memory(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
