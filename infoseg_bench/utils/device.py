"""Choice of the device, transfers to it, and its memory use."""

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
    """Return the device named "auto", "cpu", "cuda", "cuda:1" or "mps"; "auto" is a GPU if there is one.

    Nothing is allocated on the device, so a launcher leaves the GPU to its workers.

    Raises:
        UsageError: not the name of a device, or this machine has no such device
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
        return f"is not available: this machine has {count} GPU(s), numbered from 0" if index >= count else ""
    if kind == "mps":
        return "" if torch.backends.mps.is_available() else "is not available on this machine"
    if kind != "cpu":
        return "is not supported"
    return f"is not available: the only CPU device is called {kind}" if index else ""


def use_device(device: torch.device) -> None:
    """Make a GPU the current one, and disable TF32 on it; other devices need no preparation.

    By default torch rounds the inputs of convolutions to TF32, but not those of matrix products. Methods
    enable TF32 by their parameter `precision`.
    """
    if device.type == "cuda":
        torch.cuda.set_device(device)
        allow_tf32(False)


def allow_tf32(allowed: bool) -> None:
    """Set whether float32 convolutions and matrix products may round their inputs to TF32 (10 bits)."""
    torch.backends.cudnn.allow_tf32 = allowed
    torch.backends.cuda.matmul.allow_tf32 = allowed


def check_devices(device: torch.device, *, gpus_per_run: int, jobs: int) -> None:
    """Check that the requested number of GPUs per run is available.

    Raises:
        UsageError: there are fewer GPUs, or several runs at a time would share them
    """
    if gpus_per_run == 1:
        return
    if jobs > 1:
        raise UsageError(
            f"--jobs {jobs} --gpus-per-run {gpus_per_run}: with several GPUs per run, only one run at a time "
            "is possible: leave out --jobs"
        )
    if device.type == "cuda" and (count := torch.cuda.device_count()) < gpus_per_run:
        raise UsageError(f"--gpus-per-run {gpus_per_run}: this machine has {count} GPU(s): use no more")


def peak_host_bytes() -> int:
    """Return the peak resident memory of this process in bytes."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def peak_device_bytes(device: torch.device) -> int | None:
    """Return the peak memory allocated on a GPU in bytes; None for other devices."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None


def send(values: Tensor, device: torch.device) -> Tensor:
    """Return `values` on the device; the copy to a GPU is asynchronous, through pinned memory."""
    if device.type == "cuda" and values.device.type == "cpu":
        return values.pin_memory().to(device, non_blocking=True)
    return values.to(device)


@cache
def constant(values: tuple[Any, ...], like: tuple[torch.device, torch.dtype]) -> Tensor:
    """Return `torch.tensor(values)`, cached per device and type; do not modify it.

    Args:
        values: numbers, or nested tuples of them
        like: device and type of the tensor
    """
    device, dtype = like
    # A tensor created in inference mode could not be used for training later.
    with torch.inference_mode(False):
        return send(torch.tensor(values, dtype=dtype), device)


DEVICE_SHARE = 0.5
"""Maximum part of the device's free memory that photos may take; chosen by this project."""


def place(array: Integer[np.ndarray, "pixel ..."], device: torch.device) -> Integer[Tensor, "pixel ..."]:
    """Return an array as a tensor on the device, or in pinned memory if it is too large for the device."""
    pixels = torch.from_numpy(array)
    if device.type != "cuda":
        return pixels
    free, _ = torch.cuda.mem_get_info(device)
    return pixels.to(device) if pixels.nbytes <= DEVICE_SHARE * free else pixels.pin_memory()
