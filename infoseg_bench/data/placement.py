"""Where the store's pixels live: on the device if they fit, else in pinned host memory."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Integer
from torch import Tensor

DEVICE_SHARE = 0.5
"""Largest share of the device's free memory that photos may take; ours."""


def place(array: Integer[np.ndarray, "pixel ..."], device: torch.device) -> Integer[Tensor, "pixel ..."]:
    """Give the photos, or maps of them, on the device, or in memory from which the device reads fast."""
    pixels = torch.from_numpy(array)
    if device.type != "cuda":
        return pixels
    free, _ = torch.cuda.mem_get_info(device)
    return pixels.to(device) if pixels.nbytes <= DEVICE_SHARE * free else pixels.pin_memory()
