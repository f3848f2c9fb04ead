"""TensorBoard's event files, from the same curves as everything else."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from infoseg_bench.records.curve import read_curve
from infoseg_bench.utils.extras import extra


class EventFiles:
    """Follows the `curve.jsonl` of runs; one folder of events for each."""

    def __init__(self, out: Path) -> None:
        """Take the folder that `tensorboard --logdir` is given.

        Raises:
            UsageError: TensorBoard is not installed
        """
        extra("tensorboard", "tensorboard")
        from torch.utils.tensorboard import SummaryWriter

        self._make, self._out = SummaryWriter, out
        self._open: dict[str, tuple[Any, list[dict[str, Any]]]] = {}

    def follow(self, run: Path) -> None:
        """Add what is new on the curve of a run's folder.

        A curve that is not the continuation of what was written, because the run has gone back to a
        checkpoint, is written anew: no step is there twice.
        """
        lines = read_curve(run / "curve.jsonl")
        writer, written = self._open.get(run.name, (None, []))
        if writer is None or lines[: len(written)] != written:
            writer, written = self._anew(run.name, writer), []
        for line in lines[len(written) :]:
            for name, value in line.items():
                if name != "step":
                    writer.add_scalar(name, value, line["step"])
        writer.flush()
        self._open[run.name] = writer, lines

    def end(self, run: Path) -> None:
        """Add what is new on a curve that grows no more, and close its file, which takes a thread."""
        self.follow(run)
        self._open.pop(run.name)[0].close()

    def _anew(self, name: str, old: Any) -> Any:
        if old is not None:
            old.close()
        shutil.rmtree(self._out / name, ignore_errors=True)
        # A TensorBoard that is open forgets the points it has of this run.
        return self._make(str(self._out / name), purge_step=0)
