"""Worker processes: killing them with all that they have started, and why they died."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import psutil


def kill_tree(process: int) -> None:
    """Kill a process and all that it has started: below torchrun every rank has a session of its own."""
    for number in [process, *descendants(process)]:
        with suppress(psutil.NoSuchProcess):
            psutil.Process(number).kill()


def descendants(process: int) -> list[int]:
    """Return the processes that a process has started, at any depth."""
    with suppress(psutil.NoSuchProcess):
        return [child.pid for child in psutil.Process(process).children(recursive=True)]
    return []


def out_of_memory_kills() -> int:
    """Return how many processes of this machine Linux has killed for lack of memory; 0 elsewhere."""
    with suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/vmstat").read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0
