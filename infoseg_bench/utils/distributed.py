"""The processes of one run, as started by torchrun; usually a single one."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor
from torch import distributed as dist

PATIENCE = timedelta(hours=6)
"""Maximum time that the other processes wait while rank 0 evaluates or writes; chosen by this project."""


@dataclass(frozen=True, kw_only=True)
class Ranks:
    """The position of this process among the processes of a run.

    Attributes:
        rank: index of this process; only rank 0 evaluates and writes
        count: number of processes
    """

    rank: int = 0
    count: int = 1

    def any(self, flag: bool) -> bool:
        """Return whether `flag` is True in any process; all processes must call it. It runs on the CPU."""
        if self.count == 1:
            return flag
        votes = torch.tensor(int(flag))
        dist.all_reduce(votes, op=dist.ReduceOp.MAX)
        return bool(votes)

    def mean(self, scalars: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the means of scalars over the processes, on their device, without synchronising with it."""
        if self.count == 1:
            return scalars
        stacked = torch.stack([value.float() for value in scalars.values()])
        dist.all_reduce(stacked)
        return dict(zip(scalars, (stacked / self.count).unbind(), strict=True))

    def part(self, count: int) -> slice:
        """Return this process's part of `count` items, a multiple of the number of processes."""
        size = count // self.count
        return slice(self.rank * size, (self.rank + 1) * size)


SINGLE = Ranks()
"""The ranks of a run with a single process."""


def join(device: torch.device) -> tuple[Ranks, torch.device]:
    """Join the process group if torchrun has started several processes.

    Returns:
        the ranks, and the device of this process: for "cuda", the GPU of its local rank
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        return Ranks(), device
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    # `Ranks.any` uses gloo on the CPU, so that it does not wait for the GPU.
    dist.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo", timeout=PATIENCE)
    return Ranks(rank=dist.get_rank(), count=count), device
