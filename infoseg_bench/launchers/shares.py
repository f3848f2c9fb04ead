"""How many runs this machine does side by side, and which GPU each gets."""

from __future__ import annotations

import os

import psutil
import torch

from infoseg_bench.utils.cores import usable_cores

RUN_BYTES = 3 * 2**30
"""Memory that a run on the CPU takes besides its store; chosen by this project, with torch and the paper's
network."""


def automatic_jobs(device: torch.device, *, runs: int, gpus_per_run: int, store_bytes: int) -> int:
    """Choose how many runs are done side by side.

    With GPUs one for each of them. Without, one for every core while memory suffices: threads of one
    run wait for each other, runs side by side do not.

    Args:
        device: to compute on
        runs: that there are to do
        gpus_per_run: more than one: a run at a time
        store_bytes: of the largest store, in memory
    """
    if gpus_per_run > 1 or runs < 2:
        return 1
    if device.type == "cuda":
        return min(runs, len(shared_gpus(device)) or 1)
    fitting = usable_memory() // (RUN_BYTES + store_bytes)
    return max(1, min(runs, usable_cores(), fitting))


def shared_gpus(device: torch.device) -> list[str]:
    """Return the GPUs to deal out, as CUDA_VISIBLE_DEVICES names them; none if one was chosen."""
    if device.type != "cuda" or device.index is not None:
        return []
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return visible.split(",") if visible else [str(index) for index in range(torch.cuda.device_count())]


def usable_memory() -> int:
    """Return the bytes of memory that new processes can have."""
    return psutil.virtual_memory().available
