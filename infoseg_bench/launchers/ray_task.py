"""What a Ray task does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from infoseg_bench.launchers.attempt import Limits
from infoseg_bench.launchers.node import Ended, NodeRun
from infoseg_bench.records.folder import INTERRUPTED


def work(command: Sequence[str], folder: Path, limits: Limits) -> Ended:
    """Do one run on this node; cancelled, let it save its state."""
    run = NodeRun(command, folder, limits)
    try:
        return run.run()
    # So Ray tells a task that it is cancelled.
    except KeyboardInterrupt:
        run.stop()
        return Ended(INTERRUPTED)
