"""The processes that do one run together, as torchrun starts them; usually one."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor
from torch import distributed as dist

PATIENCE = timedelta(hours=6)
"""How long the others wait while rank 0 evaluates or writes; chosen by this project."""


@dataclass(frozen=True, kw_only=True)
class Ranks:
    """Which process this is, and of how many.

    Attributes:
        rank: 0 alone evaluates and writes
        count: of all processes
    """

    rank: int = 0
    count: int = 1

    def any(self, flag: bool) -> bool:
        """Return whether any process says so; all must ask alike. GPUs have no part in it."""
        if self.count == 1:
            return flag
        votes = torch.tensor(int(flag))
        dist.all_reduce(votes, op=dist.ReduceOp.MAX)
        return bool(votes)

    def mean(self, scalars: dict[str, Tensor]) -> dict[str, Tensor]:
        """Average scalars over the processes, on the device and without waiting."""
        if self.count == 1:
            return scalars
        stacked = torch.stack([value.float() for value in scalars.values()])
        dist.all_reduce(stacked)
        return dict(zip(scalars, (stacked / self.count).unbind(), strict=True))

    def share(self, count: int) -> slice:
        """Return this process's part of `count` items, which the number of processes divides."""
        size = count // self.count
        return slice(self.rank * size, (self.rank + 1) * size)


SINGLE = Ranks()
"""One process alone."""


def join(device: torch.device) -> tuple[Ranks, torch.device]:
    """Meet the other processes, if torchrun has started this one among several.

    Returns:
        the ranks; and this process's device: of several GPUs the one of its local rank
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        return Ranks(), device
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    # Decisions are shared between the hosts, so that no GPU is waited for.
    dist.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo", timeout=PATIENCE)
    return Ranks(rank=dist.get_rank(), count=count), device
