"""Checkpoints: everything needed to resume a run, written atomically."""

from __future__ import annotations

import io
import logging
import math
import zipfile
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from infoseg_bench.errors import UserError
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.utils.atomic import write_bytes

LOG = logging.getLogger(__name__)
ARRAYS = ("best_counts", "early_maps", "selected_counts")
"""Attributes of a `TrainingState` that are arrays."""


@dataclass
class TrainingState:
    """The harness's state of a run in progress; times and counts include all interrupted sessions.

    Attributes:
        started: time of the first start, ISO 8601
        step: training steps done
        evaluated_step: step of the latest evaluation; -1 before the first
        best_step: step of the highest PA so far; None before the first evaluation
        best_accuracy: the highest PA so far, in [0, 1]; -1 before the first evaluation
        best_counts: the counts at `best_step`, int64 `image cluster cls`
        resumed_from: steps at which the run was resumed
        load_seconds: time spent reading data
        fit_seconds: time spent training
        evaluate_seconds: time spent evaluating
        crops: number of training crops used
        method_source: hash of the method's source code at the start
        threads: number of CPU threads at the start; 0 if not known
        note: a remark for the user, printed when the run ends
        diagnostics: label-free diagnostics of the latest evaluation
        early_step: step of `early_maps`; -1 if not reached
        early_agreement: NMI of `early_maps` and the maps of the mirrored images with changed colours
        early_maps: cluster maps of an early state to compare later ones with, int16 `image row column`
        selected_step: step with the highest value of the diagnostic `Method.selected_by`; None if none
        selected_value: the value of that diagnostic
        selected_counts: the counts at `selected_step`, int64 `image cluster cls`
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
    method_source: str = ""
    threads: int = 0
    note: str = ""
    diagnostics: dict[str, float] = field(default_factory=dict)
    early_step: int = -1
    early_agreement: float = 0.0
    early_maps: np.ndarray | None = None
    selected_step: int | None = None
    selected_value: float = -math.inf
    selected_counts: np.ndarray | None = None

    def content(self) -> dict[str, Any]:
        """Return a copy as plain values and tensors."""
        arrays = {
            name: None if getattr(self, name) is None else torch.from_numpy(getattr(self, name))
            for name in ARRAYS
        }
        return {
            **vars(self),
            **arrays,
            "resumed_from": list(self.resumed_from),
            "diagnostics": dict(self.diagnostics),
        }


def write_checkpoint(folder: RunFolder, content: dict[str, Any]) -> None:
    """Write a checkpoint and keep the previous one, in case a power cut damages the new one.

    Args:
        folder: the run's folder
        content: "harness": `TrainingState.content()`; "method": the method's state

    Raises:
        UserError: the disk is full; the previous checkpoint is unchanged
    """
    # On a full disk, torch.save fails with an error that does not name the cause.
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_bytes(folder.checkpoint_file, buffer.getbuffer(), previous=folder.previous_checkpoint_file)


def load_checkpoint(folder: RunFolder) -> tuple[TrainingState, dict[str, Any]] | None:
    """Read the newest intact checkpoint, with tensors on the CPU; a damaged one is logged and skipped.

    Returns:
        the harness's state and the method's state; None if there is no intact checkpoint

    Raises:
        OSError: a file exists but cannot be read
    """
    for file in (folder.checkpoint_file, folder.previous_checkpoint_file):
        if not file.exists():
            continue
        try:
            with zipfile.ZipFile(file) as archive:
                # torch writes checksums, but does not verify them.
                if (part := archive.testzip()) is not None:
                    raise ValueError(f"checksum of {part}")
            return _training_state(torch.load(file, map_location="cpu", weights_only=True))
        except OSError:
            raise
        # Damage can make torch.load raise any exception.
        except Exception as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            LOG.warning("%s: damaged (%s): continuing without it", file, reason)
    return None


def trained_state(folder: RunFolder) -> dict[str, Any]:
    """Return the method's state of a run's checkpoint; for a finished run, the state that was scored.

    Raises:
        UserError: there is no intact checkpoint, or it belongs to another step than the scores
    """
    found, record = load_checkpoint(folder), folder.completed_record()
    if found is None:
        raise UserError(
            f"{folder.checkpoint_file}: no intact checkpoint with the weights (packs do not contain them): "
            "repeat the run with --force"
        )
    training, state = found
    if record is not None and training.step != record.step:
        raise UserError(
            f"{folder.checkpoint_file}: the record belongs to step {record.step}, but the intact weights "
            f"to step {training.step}: repeat the run with --force"
        )
    return state


def peek_training_state(folder: RunFolder) -> TrainingState | None:
    """Return the harness's state of an interrupted run, without its weights; None if it cannot be read."""
    for file in (folder.checkpoint_file, folder.previous_checkpoint_file):
        # Another process may write or remove checkpoints in the meantime.
        with suppress(Exception):
            return _training_state(torch.load(file, map_location="cpu", weights_only=True, mmap=True))[0]
    return None


def _training_state(content: dict[str, Any]) -> tuple[TrainingState, dict[str, Any]]:
    harness = dict(content["harness"])
    for name in ARRAYS:
        if harness.get(name) is not None:
            harness[name] = harness[name].numpy()
    return TrainingState(**harness), content["method"]
