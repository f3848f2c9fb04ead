"""Timing of repeated work, synchronised with the device before and after."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

REPEATS = 50
"""Maximum number of timed repetitions; chosen by this project."""


def seconds_per_call(call: Callable[[], object], device: torch.device, *, seconds: float) -> float:
    """Return the mean time of a call in seconds, after one call to warm up.

    Args:
        call: the work; on a GPU it may return before the work is done
        device: the device that does the work
        seconds: approximate time to measure; at least one call is timed
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
    """Wait until the device has done all queued work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def matrix_rate(device: torch.device, dtype: torch.dtype, *, seconds: float) -> float:
    """Return the measured floating-point operations per second of a large square matrix product.

    Whether float32 on a GPU is rounded to TF32 depends on `allow_tf32`.
    """
    side = 8192 if device.type == "cuda" else 1024
    generator = torch.Generator().manual_seed(0)
    left, right = (torch.randn(side, side, generator=generator).to(device, dtype) for _ in range(2))
    return 2 * side**3 / seconds_per_call(lambda: left @ right, device, seconds=seconds)
