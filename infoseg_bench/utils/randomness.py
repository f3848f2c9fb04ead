"""Random generators that follow from a seed and a purpose, so that no random state has to be kept."""

from __future__ import annotations

import hashlib

import torch


def generator(seed: int, *purpose: int | str) -> torch.Generator:
    """Make a CPU generator for one purpose, such as `generator(seed, "crops", step)`.

    Different purposes give independent streams; the same ones give the same stream on any machine.
    """
    digest = hashlib.sha256(repr((seed, *purpose)).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))
