"""Choosing the device, and what it has used."""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

import numpy as np
import torch
from jaxtyping import Integer
from torch import Tensor

from infoseg_bench.errors import UsageError


def choose_device(name: str) -> torch.device:
    """Turn "auto", "cpu", "cuda", "cuda:1" or "mps" into a device of this machine.

    Nothing is allocated on it, so that a launcher leaves the GPU to its workers.

    Raises:
        UsageError: not a device, or not one of this machine
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UsageError(f"--device {name}: no such device: use auto, cpu, cuda or cuda:N") from None
    if reason := _why_unusable(device):
        raise UsageError(f"--device {name}: {reason}: use auto or cpu")
    return device


def _why_unusable(device: torch.device) -> str:
    index, kind = device.index or 0, device.type
    if kind == "cuda":
        if not torch.cuda.is_available():
            return "is not available: torch finds no usable GPU"
        count = torch.cuda.device_count()
        return f"is not available: this machine has {count} GPUs, numbered from 0" if index >= count else ""
    if kind == "mps":
        return "" if torch.backends.mps.is_available() else "is not available on this machine"
    if kind != "cpu":
        return "is not supported"
    return f"is not available: there is one CPU, and it is called {kind}" if index else ""


def use_device(device: torch.device) -> None:
    """Make a GPU the one that events, streams and new memory belong to unless they name another.

    float32 on it becomes float32: by default torch rounds the factors of convolutions to TF32, and those
    of matrix products not. A method that may use TF32 says so in its `precision`.
    """
    if device.type == "cuda":
        torch.cuda.set_device(device)
        allow_tf32(False)


def allow_tf32(allowed: bool) -> None:
    """Let convolutions and matrix products in float32 round their factors to TF32's 10 bits, or not."""
    torch.backends.cudnn.allow_tf32 = allowed
    torch.backends.cuda.matmul.allow_tf32 = allowed


def check_devices(device: torch.device, *, gpus_per_run: int, jobs: int) -> None:
    """Check that there are as many GPUs as are asked for.

    Raises:
        UsageError: there are fewer, or several runs would share them
    """
    if gpus_per_run == 1:
        return
    if jobs > 1:
        raise UsageError(f"--jobs {jobs} --gpus-per-run {gpus_per_run}: several GPUs do one run at a time")
    if device.type == "cuda" and torch.cuda.device_count() < gpus_per_run:
        raise UsageError(f"--gpus-per-run {gpus_per_run}: there are {torch.cuda.device_count()} GPUs here")


def peak_host_bytes() -> int:
    """Return the largest resident memory of this process so far."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def peak_device_bytes(device: torch.device) -> int | None:
    """Return the largest memory allocated on a GPU so far; None without one."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None


def send(values: Tensor, device: torch.device) -> Tensor:
    """Move `values` to the device; a GPU fetches them from pinned memory while the host goes on."""
    if device.type == "cuda" and values.device.type == "cpu":
        return values.pin_memory().to(device, non_blocking=True)
    return values.to(device)


@cache
def constant(values: tuple[Any, ...], like: tuple[torch.device, torch.dtype]) -> Tensor:
    """Return numbers, nested as in `torch.tensor`, on a device that receives them once; never write to it.

    Args:
        values: numbers, or tuples of them
        like: device and type of the tensor
    """
    device, dtype = like
    # A tensor that is made while somebody predicts could not be trained with later.
    with torch.inference_mode(False):
        return send(torch.tensor(values, dtype=dtype), device)


DEVICE_SHARE = 0.5
"""Largest share of the device's free memory that photos may take; chosen by this project."""


def place(array: Integer[np.ndarray, "pixel ..."], device: torch.device) -> Integer[Tensor, "pixel ..."]:
    """Return the photos, or maps of them, on the device, or in memory from which the device reads fast."""
    pixels = torch.from_numpy(array)
    if device.type != "cuda":
        return pixels
    free, _ = torch.cuda.mem_get_info(device)
    return pixels.to(device) if pixels.nbytes <= DEVICE_SHARE * free else pixels.pin_memory()
