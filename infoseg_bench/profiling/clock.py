"""Timing of repeated work, with the device's queue emptied before and after."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

REPEATS = 50
"""Largest number of timed repetitions; chosen by this project."""


def seconds_per_call(call: Callable[[], object], device: torch.device, *, seconds: float) -> float:
    """Return the mean time of a call after one that warms up.

    Where the warm call after it alone takes longer than `seconds`, it is the measurement.

    Args:
        call: the work; on a GPU it may only be queued when this returns
        device: on which the work is done
        seconds: about how long to measure
    """
    _timed(call, device, 1)
    once = _timed(call, device, 1)
    repeats = min(REPEATS, int(seconds / once))
    return _timed(call, device, repeats) / repeats if repeats > 1 else once


def _timed(call: Callable[[], object], device: torch.device, repeats: int) -> float:
    wait(device)
    began = time.perf_counter()
    for _ in range(repeats):
        call()
    wait(device)
    return time.perf_counter() - began


def wait(device: torch.device) -> None:
    """Wait until the device has done all that was queued."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def matrix_rate(device: torch.device, dtype: torch.dtype, *, seconds: float) -> float:
    """Measure the floating-point operations per second of a large square matrix product.

    It is at the precision of the caller: of float32 on a GPU, `allow_tf32` decides.
    """
    side = 8192 if device.type == "cuda" else 1024
    generator = torch.Generator().manual_seed(0)
    left, right = (torch.randn(side, side, generator=generator).to(device, dtype) for _ in range(2))
    return 2 * side**3 / seconds_per_call(lambda: left @ right, device, seconds=seconds)
