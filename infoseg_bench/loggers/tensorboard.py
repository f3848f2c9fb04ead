"""TensorBoard event files, one folder per run."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from infoseg_bench.loggers.logger import RunLog
from infoseg_bench.records.spec import RunSpec
from infoseg_bench.utils.extras import extra


class TensorBoardLogger:
    """Writes event files into one folder per run."""

    def __init__(self, place: str) -> None:
        """Create the logger; `place` is the folder to pass to `tensorboard --logdir`.

        Raises:
            UsageError: TensorBoard is not installed
        """
        extra("tensorboard", "tensorboard")
        self._out = Path(place)

    def open(self, spec: RunSpec) -> RunLog:
        """Start the event file of a run."""
        shutil.rmtree(self._out / spec.folder, ignore_errors=True)
        return _EventFile(self._out / spec.folder)


class _EventFile:
    def __init__(self, folder: Path) -> None:
        from torch.utils.tensorboard import SummaryWriter

        # This makes a running TensorBoard drop the run's earlier points.
        self._writer = SummaryWriter(str(folder), purge_step=0)

    def add(self, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def flush(self) -> None:
        self._writer.flush()

    def close(self, state: str) -> None:
        self._writer.close()
