"""The number of simultaneous runs on this machine, and their GPUs."""

from __future__ import annotations

import os

import psutil
import torch

from infoseg_bench.utils.cores import usable_cores

RUN_BYTES = 3 * 2**30
"""Memory of a run on the CPU with the paper's network, except its store; chosen by this project."""


def automatic_jobs(device: torch.device, *, runs: int, gpus_per_run: int, store_bytes: int) -> int:
    """Return the number of runs to execute at a time.

    This is one run per GPU, or on the CPU one run per core as far as memory allows, because several runs use
    the cores better than the threads of one run.

    Args:
        device: the device to compute on
        runs: number of runs to execute
        gpus_per_run: with more than one, runs are executed one at a time
        store_bytes: size of the largest store in bytes
    """
    if gpus_per_run > 1 or runs < 2:
        return 1
    if device.type == "cuda":
        return min(runs, len(shared_gpus(device)) or 1)
    fitting = usable_memory() // (RUN_BYTES + store_bytes)
    return max(1, min(runs, usable_cores(), fitting))


def shared_gpus(device: torch.device) -> list[str]:
    """Return the GPUs to divide among runs, as in CUDA_VISIBLE_DEVICES; empty if a single one was chosen."""
    if device.type != "cuda" or device.index is not None:
        return []
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return visible.split(",") if visible else [str(index) for index in range(torch.cuda.device_count())]


def usable_memory() -> int:
    """Return the bytes of memory available to new processes."""
    return psutil.virtual_memory().available
