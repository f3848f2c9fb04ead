"""Where the store's pixels live: on the device if they fit, else in pinned host memory."""

from __future__ import annotations

import torch
from torch import Tensor

DEVICE_SHARE = 0.5
"""Largest share of the device's free memory that photos may take; ours."""


def place(pixels: Tensor, device: torch.device) -> Tensor:
    """Move `pixels` to the device, or to memory from which the device reads fast."""
    if device.type != "cuda":
        return pixels
    free, _ = torch.cuda.mem_get_info(device)
    return pixels.to(device) if pixels.nbytes <= DEVICE_SHARE * free else pixels.pin_memory()
