"""InfoSeg's objective without S against the same with S formed: time and memory, in one run.

python benchmarks/objective.py --device cpu --batch 16 --clusters 15 --features 256 --side 32
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import torch
from torch import Tensor

from infoseg_bench.information.jensen_shannon import jensen_shannon
from infoseg_bench.infoseg.objective import (
    class_probabilities,
    class_scores,
    joint_scores,
    marginal_scores,
    random_partners,
)

TAU = 0.8
"""PAPER 5.1."""
REPEATS = 5
"""Timed steps, of which the fastest counts: the others were disturbed."""


def without_s(L: Tensor, H: Tensor, other: Tensor) -> Tensor:
    """Compute the objective as the suite does."""
    scores = class_scores(L, H)
    V = class_probabilities(scores, TAU)
    return jensen_shannon(joint_scores(V, scores), marginal_scores(L, H, V, other=other, pairing="permuted"))


def with_s(L: Tensor, H: Tensor, other: Tensor) -> Tensor:
    """Compute the same with S of eq. 5 formed, `batch P rows columns`."""
    V = class_probabilities(class_scores(L, H), TAU)
    S = torch.einsum("bkuv,bkp->bpuv", V, H)
    return jensen_shannon((L * S).sum(dim=1), (L * S[other]).sum(dim=1))


FORMS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {"without_s": without_s, "with_s": with_s}


def measure(
    form: str, *, device: str, batch: int, clusters: int, features: int, side: int
) -> dict[str, float]:
    """Time forward and backward of one form.

    Returns:
        seconds of a step, peak bytes above the inputs (on the CPU: of the whole process), the loss
    """
    where = torch.device(device)
    generator = torch.Generator().manual_seed(0)
    L = torch.randn(batch, features, side, side, generator=generator).mul(features**-0.25).to(where)
    H = torch.randn(batch, clusters, features, generator=generator).mul(features**-0.25).to(where)
    other = random_partners(batch, generator).to(where)
    L.requires_grad_()
    H.requires_grad_()
    before = _memory(where)
    seconds, loss = [], 0.0
    for _ in range(REPEATS):
        _wait(where)
        began = time.perf_counter()
        estimate = FORMS[form](L, H, other)
        torch.autograd.grad(estimate, [L, H])
        _wait(where)
        seconds.append(time.perf_counter() - began)
        loss = float(estimate.detach())
    return {"seconds": min(seconds), "bytes": _memory(where) - before, "loss": loss}


def compare(**sizes: str | int) -> dict[str, float]:
    """Measure both forms, each in a process of its own, and give their ratios."""
    words = [word for name, value in sizes.items() for word in (f"--{name}", str(value))]
    both = {}
    for form in FORMS:
        done = subprocess.run(
            [sys.executable, __file__, "--form", form, *words], capture_output=True, text=True, check=True
        )
        both[form] = json.loads(done.stdout)
    one, other = both["with_s"], both["without_s"]
    return {
        "time_ratio": one["seconds"] / other["seconds"],
        "memory_ratio": one["bytes"] / other["bytes"],
        "seconds_without_s": other["seconds"],
        "bytes_without_s": other["bytes"],
        "loss_difference": abs(one["loss"] - other["loss"]),
    }


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _memory(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    """Print one form's figures, or the ratios of both."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--form", choices=sorted(FORMS))
    parser.add_argument("--device", default="cpu")
    for name, default in (("batch", 16), ("clusters", 15), ("features", 256), ("side", 32)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = vars(parser.parse_args())
    form = options.pop("form")
    print(json.dumps(measure(form, **options) if form else compare(**options), indent=None if form else 2))


if __name__ == "__main__":
    main()
