"""How many runs are done side by side on this machine, and which GPU each gets."""

from __future__ import annotations

import os

import psutil
import torch

from infoseg_bench.utils.cores import usable_cores

RUN_BYTES = 3 * 2**30
"""Memory of a run on the CPU, besides its store, with the paper's network; chosen by this project."""


def automatic_jobs(device: torch.device, *, runs: int, gpus_per_run: int, store_bytes: int) -> int:
    """Choose how many runs are done side by side.

    With GPUs, one run for each of them. Without, one run for each core while memory suffices: the threads
    of one run wait for each other, runs side by side do not.

    Args:
        device: to compute on
        runs: how many are to be done
        gpus_per_run: with more than one, runs are done one at a time
        store_bytes: memory of the largest store
    """
    if gpus_per_run > 1 or runs < 2:
        return 1
    if device.type == "cuda":
        return min(runs, len(shared_gpus(device)) or 1)
    fitting = usable_memory() // (RUN_BYTES + store_bytes)
    return max(1, min(runs, usable_cores(), fitting))


def shared_gpus(device: torch.device) -> list[str]:
    """Return the GPUs that runs may use, as CUDA_VISIBLE_DEVICES names them; none if one was chosen."""
    if device.type != "cuda" or device.index is not None:
        return []
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return visible.split(",") if visible else [str(index) for index in range(torch.cuda.device_count())]


def usable_memory() -> int:
    """Return the bytes of memory available to new processes."""
    return psutil.virtual_memory().available
