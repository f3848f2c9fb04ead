"""Checkpoints: everything that decides the rest of a run, whole or absent."""

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
        method_source: hash of the method's source when the run was begun
        threads: CPU threads it was begun with; other numbers add in another order. 0: not known
        diagnostics: label-free figures of the latest evaluation
        early_step: step of the early cluster maps with which later ones are compared; -1: not reached
        early_agreement: NMI of those maps with themselves under a mirror and a change of colours
        early_maps: int16 `image row column`
        selected_step: step of the highest label-free figure by which the run selects; None: none yet
        selected_value: that figure
        selected_counts: the counts there, int64 `image cluster cls`
        note: what whoever asked for the run should know of it
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
        """Return it as plain values and tensors, as it is now."""
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
    """Write a session's content under "harness" and a method's state under "method".

    The checkpoint before stays beside it, should a power cut damage this one.

    Raises:
        UserError: the disk is full; the previous checkpoint stays
    """
    # Written straight to a full disk, torch.save fails with an error that does not say so.
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_bytes(folder.checkpoint_file, buffer.getbuffer(), previous=folder.previous_checkpoint_file)


def load_checkpoint(folder: RunFolder) -> tuple[TrainingState, dict[str, Any]] | None:
    """Read the newest that is whole, on the CPU; None if there is none.

    What is damaged is said on standard error: the run goes on from the checkpoint before, or anew.

    Raises:
        OSError: the disk does not give a file that is there
    """
    for file in (folder.checkpoint_file, folder.previous_checkpoint_file):
        if not file.exists():
            continue
        try:
            with zipfile.ZipFile(file) as archive:
                # torch does not look at the checksums that it writes.
                if (part := archive.testzip()) is not None:
                    raise ValueError(f"checksum of {part}")
            return _training_state(torch.load(file, map_location="cpu", weights_only=True))
        except OSError:
            raise
        # torch.load raises whatever the damage happens to hit.
        except Exception as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            LOG.warning("%s: damaged (%s): going on without it", file, reason)
    return None


def trained_state(folder: RunFolder) -> dict[str, Any]:
    """Read a method's state from a run's checkpoint: of a finished run the one that its scores are of.

    Raises:
        UserError: none is kept here, or the one that is left is of another step than the scores
    """
    found, record = load_checkpoint(folder), folder.completed_record()
    if found is None:
        raise UserError(
            f"{folder.checkpoint_file}: no weights here: records travel without them; "
            "repeat the run with --force"
        )
    training, state = found
    if record is not None and training.step != record.step:
        raise UserError(
            f"{folder.checkpoint_file}: its record is of step {record.step}, and the weights that can "
            f"be read are of step {training.step}: repeat the run with --force"
        )
    return state


def peek_training_state(folder: RunFolder) -> TrainingState | None:
    """Read what the harness knows of an interrupted run, without its weights; None if nothing can be read."""
    for file in (folder.checkpoint_file, folder.previous_checkpoint_file):
        # Plans are made while others write and remove checkpoints.
        with suppress(Exception):
            return _training_state(torch.load(file, map_location="cpu", weights_only=True, mmap=True))[0]
    return None


def _training_state(content: dict[str, Any]) -> tuple[TrainingState, dict[str, Any]]:
    harness = dict(content["harness"])
    for name in ARRAYS:
        if harness.get(name) is not None:
            harness[name] = harness[name].numpy()
    return TrainingState(**harness), content["method"]
