"""Tries on the fake GPU what CUDA refuses, what makes the host wait, and what does neither."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.fake_cuda.device import MODE

# isort: split
import torch
import torch.nn.functional as F

from infoseg_bench.contracts import RunContext, Task
from infoseg_bench.infoseg.infoseg import InfoSeg
from infoseg_bench.runs.checkpoint_writer import snapshot
from infoseg_bench.runs.step_log import fetch
from infoseg_bench.utils.device import choose_device, constant, send, use_device

CUDA, CPU = torch.device("cuda"), torch.device("cpu")


def ones(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Make ones on the device."""
    return torch.ones(*shape, device=CUDA, dtype=dtype)


REFUSED: dict[str, Callable[[], object]] = {
    "sum of both devices": lambda: ones(3) + torch.ones(3),
    "generator of the CPU": lambda: torch.rand(3, device=CUDA, generator=torch.Generator()),
    "numpy": lambda: ones(3).numpy(),
    "mixed precision without autocast": lambda: F.linear(ones(2, 3, dtype=torch.bfloat16), ones(4, 3)),
    "weights on the CPU": lambda: torch.nn.Conv2d(3, 4, 3)(ones(1, 3, 8, 8)),
    "index of a scatter on the CPU": lambda: torch.zeros(3, device=CUDA).scatter_(
        0, torch.zeros(3, dtype=torch.long), 1.0
    ),
}
LOGGED: dict[str, Callable[[], object]] = {
    "float": lambda: float(ones(1)),
    "boolean index": lambda: ones(3)[ones(3) > 0],
    "index on the CPU": lambda: ones(3)[torch.zeros(2, dtype=torch.long)],
    "new_tensor": lambda: ones(3).new_tensor((1.0, 2.0)),
    "to the device": lambda: torch.ones(3).to(CUDA),
    "to the host": lambda: ones(3).cpu(),
    "nonzero": lambda: ones(3).nonzero(),
    "bincount": lambda: torch.bincount(ones(3, dtype=torch.long), minlength=4),
    "not blocking, but not pinned": lambda: torch.ones(3).to(CUDA, non_blocking=True),
    "synchronize": torch.cuda.synchronize,
}
FREE: dict[str, Callable[[], object]] = {
    "send": lambda: send(torch.ones(3), CUDA),
    "constant": lambda: constant((1.0, 2.0), (CUDA, torch.float32)),
    "generator of the device": lambda: torch.rand(
        3, device=CUDA, generator=torch.Generator(CUDA).manual_seed(7)
    ),
    "what stays on the CPU": lambda: torch.ones(3)[torch.ones(3) > 0].sum().item(),
}


def second_device() -> dict[str, object]:
    """Copy a state and scalars from cuda:1 while cuda:0 is the current device, as from Python's API."""
    MODE.events.clear()
    MODE.synchronised.clear()
    values = torch.ones(3, device="cuda:1")
    snapshot({"network": {"weights": [values, torch.ones(3)]}})
    fetch({"loss": values.sum()})()
    copied = {"events": list(MODE.events), "synchronised": list(MODE.synchronised)}
    use_device(choose_device("cuda:1"))
    return {**copied, "current": torch.cuda.current_device()}


def rounding() -> dict[str, list[bool]]:
    """Return for every precision whether convolutions and products may use TF32 in training, and after."""

    def allowed() -> list[bool]:
        return [torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32]

    use_device(CUDA)
    found = {}
    task = Task(dataset="none", channels=3, crop=32, clusters=2)
    run = RunContext(seed=0, device=CUDA, steps=1)
    for precision in ("float32", "tf32", "bfloat16"):
        method = InfoSeg(InfoSeg.resolve("none", {"width": 2, "P": 8, "precision": precision}), task, run)
        with method.rounding():
            found[precision] = allowed()
        found[precision] += allowed()
    return found


def main() -> None:
    """Print what became of each, as JSON lines."""
    with MODE.active():
        for kind, trials in (("refused", REFUSED), ("logged", LOGGED), ("free", FREE)):
            for name, trial in trials.items():
                MODE.waits.clear()
                raised = False
                try:
                    trial()
                except (RuntimeError, TypeError, ValueError):
                    raised = True
                found = {"name": name, "kind": kind, "raised": raised, "waits": dict(MODE.waits)}
                print(json.dumps(found), flush=True)
        print(json.dumps({"kind": "rounding", **rounding()}))
        print(json.dumps({"kind": "second device", **second_device()}))


if __name__ == "__main__":
    main()
