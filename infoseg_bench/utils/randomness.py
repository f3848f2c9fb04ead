"""Random numbers derived from a seed and a purpose, so that no random state has to be saved."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor


def generator(seed: int, *purpose: int | str) -> torch.Generator:
    """Return a CPU generator for one purpose, such as `generator(seed, "crops", step)`.

    Different purposes give independent streams; the same purpose gives the same stream on any machine.
    """
    digest = hashlib.sha256(repr((seed, *purpose)).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))


def normals(shape: Sequence[int], generator: torch.Generator, device: torch.device) -> Tensor:
    """Return standard normal numbers of a shape on the device.

    On the CPU they are drawn from `generator`. A GPU draws them itself, which is faster, from a seed drawn
    from `generator`: they can be reproduced on the same kind of device, and differ from those of the CPU.
    """
    if device.type != "cuda":
        return torch.randn(*shape, generator=generator).to(device)
    seed = int(torch.randint(2**62, (1,), generator=generator))
    return torch.randn(*shape, generator=torch.Generator(device).manual_seed(seed), device=device)
