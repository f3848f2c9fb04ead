"""Killing process trees, and detecting processes killed for lack of memory."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import psutil


def kill_tree(process: int) -> None:
    """Kill a process and all its descendants, also those in new sessions, such as torchrun's."""
    for number in [process, *descendants(process)]:
        with suppress(psutil.NoSuchProcess):
            psutil.Process(number).kill()


def descendants(process: int) -> list[int]:
    """Return the ids of all descendants of a process."""
    with suppress(psutil.NoSuchProcess):
        return [child.pid for child in psutil.Process(process).children(recursive=True)]
    return []


def out_of_memory_kills() -> int:
    """Return the number of processes that Linux has killed for lack of memory; 0 on other systems."""
    with suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/vmstat").read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0
