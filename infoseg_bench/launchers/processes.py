"""Processes of workers: ending them with all that they have started, and why they ended."""

from __future__ import annotations

import os
import signal
from collections import defaultdict
from contextlib import suppress
from pathlib import Path


def kill_tree(process: int) -> None:
    """End a process and everything below it at once. Below torchrun every rank has a session of its own."""
    for number in [process, *descendants(process)]:
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)


def descendants(process: int) -> list[int]:
    """Return the processes that a process has started, at any depth; none where there is no /proc."""
    children = defaultdict[int, list[int]](list)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        # A process may end while it is looked at.
        with suppress(OSError, IndexError, ValueError):
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            children[parent].append(int(stat.parent.name))
    found, waiting = list[int](), [process]
    while waiting:
        below = children[waiting.pop()]
        found += below
        waiting += below
    return found


def out_of_memory_kills() -> int:
    """Return how often Linux has killed a process of this machine for want of memory; 0 elsewhere."""
    with suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/vmstat").read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0
