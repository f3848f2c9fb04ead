"""What a Ray task does: start a run's worker, wait, and pass a cancellation on."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

BUSY = 75
"""The worker's exit status when another process has the run (`infoseg_bench.runs.worker`, slow to import)."""
BUSY_SECONDS = 60.0
"""The worker of a node that died may still be saving its state for so long; ours."""


def work(command: list[str], log: Path) -> int:
    """Do one run in a child process, which saves its state and stops when this process dies.

    Returns:
        its exit status, negative for a signal's number
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while (status := _once(command, log)) == BUSY and time.monotonic() < deadline:
        time.sleep(1)
    return status


def _once(command: list[str], log: Path) -> int:
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        return process.wait()
    # So Ray tells a task that it is cancelled. It keeps SIGINT from its children.
    except KeyboardInterrupt:
        process.terminate()
        return process.wait()
