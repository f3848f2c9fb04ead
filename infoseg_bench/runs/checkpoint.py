"""Checkpoints: everything that decides the rest of a run, whole or absent."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from infoseg_bench.atomic import write_bytes
from infoseg_bench.errors import UserError
from infoseg_bench.runs.folder import RunFolder


@dataclass
class Session:
    """What the harness itself knows of a run under way, its interrupted sessions included.

    Attributes:
        step: training steps done
        evaluated_step: step of the latest evaluation; -1 before the first
        best_step: step of the highest PA so far; None before the first evaluation
        best_accuracy: that PA
        best_counts: the counts there, int64 `image cluster cls`
        started: first start of the run
        resumed_from: steps at which it was taken up again
        load_seconds: time spent reading, so far
        fit_seconds: time spent training, so far
        evaluate_seconds: time spent evaluating, so far
        crops: training crops taken, so far
    """

    started: str
    step: int = 0
    evaluated_step: int = -1
    best_step: int | None = None
    best_accuracy: float = -1.0
    best_counts: np.ndarray | None = None
    resumed_from: list[int] = field(default_factory=list)
    load_seconds: float = 0.0
    fit_seconds: float = 0.0
    evaluate_seconds: float = 0.0
    crops: int = 0

    def content(self) -> dict[str, Any]:
        """Give it as plain values and tensors, as it is now."""
        counts = self.best_counts
        return {
            **vars(self),
            "best_counts": None if counts is None else torch.from_numpy(counts),
            "resumed_from": list(self.resumed_from),
        }


def write_checkpoint(folder: RunFolder, content: dict[str, Any]) -> None:
    """Write a session's content under "harness" and a method's state under "method".

    Raises:
        UserError: the disk is full; the previous checkpoint stays
    """
    # Written straight to a full disk, torch.save fails with an error that does not say so.
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_bytes(folder.checkpoint_file, buffer.getbuffer())


def load_checkpoint(folder: RunFolder) -> tuple[Session, dict[str, Any]] | None:
    """Read them back, on the CPU; None if there is no checkpoint.

    Raises:
        UserError: the file is damaged
    """
    if not folder.checkpoint_file.exists():
        return None
    try:
        content = torch.load(folder.checkpoint_file, map_location="cpu", weights_only=True)
        harness = dict(content["harness"])
        if harness["best_counts"] is not None:
            harness["best_counts"] = harness["best_counts"].numpy()
        return Session(**harness), content["method"]
    # torch.load raises whatever the damage happens to hit.
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(
            f"{folder.checkpoint_file}: damaged ({reason}): repeat the run with --force"
        ) from None
