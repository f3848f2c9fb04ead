"""Checkpoints written in the background while the training continues."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor

from infoseg_bench.errors import UserError
from infoseg_bench.records.curve import Diverged
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.runs.checkpoint import TrainingState, write_checkpoint


class CheckpointWriter:
    """Copies a state and writes it in a thread, one checkpoint at a time and in order.

    Files are replaced atomically, so a killed run loses only the work since its last checkpoint. The
    interpreter waits for an unfinished write before it exits.

    Attributes:
        step: step of the newest checkpoint known to be on the disk; None if there is none
    """

    def __init__(self, folder: RunFolder, *, step: int | None) -> None:
        """Create the writer; `step` is that of an existing checkpoint, or None."""
        self.step = step
        self._folder = folder
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="checkpoint")
        self._writing: tuple[int, Future[None]] | None = None

    def save(self, training: TrainingState, method_state: dict[str, Any]) -> None:
        """Wait for the previous write, copy both states, and start to write them.

        Raises:
            UserError: the previous write failed
            Diverged: the previous state was not finite, so it was not written
        """
        self.wait()
        content = {"harness": training.content(), "method": snapshot(method_state)}
        self._writing = training.step, self._thread.submit(_write_sound, self._folder, content, training.step)

    def check(self) -> None:
        """Raise the error of a write that has ended, if any; does not wait."""
        if self._writing is not None and self._writing[1].done():
            self.wait()

    def wait(self) -> None:
        """Wait until the checkpoint passed to `save` is on the disk.

        Raises:
            UserError: the write failed; the previous checkpoint is unchanged
            Diverged: the state was not finite; the previous checkpoint is unchanged
        """
        if self._writing is None:
            return
        (step, future), self._writing = self._writing, None
        future.result()
        self.step = step

    def close(self) -> None:
        """Wait for an unfinished write, ignore its failure, and end the thread."""
        with suppress(UserError):
            self.wait()
        self._thread.shutdown()


def snapshot(state: Any) -> Any:
    """Return a copy in the host's memory, which later steps cannot change."""
    devices = set[torch.device]()
    copied = _copy(state, devices)
    for device in devices:
        torch.cuda.synchronize(device)
    return copied


def _copy(value: Any, devices: set[torch.device]) -> Any:
    """Start a copy; devices to synchronise with are added to `devices`."""
    if isinstance(value, Tensor):
        if value.is_cuda:
            devices.add(value.device)
        host = torch.empty_like(value, device="cpu", pin_memory=value.is_cuda)
        return host.copy_(value.detach(), non_blocking=value.is_cuda)
    if isinstance(value, dict):
        return {name: _copy(part, devices) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_copy(part, devices) for part in value)
    return value


def _write_sound(folder: RunFolder, content: dict[str, Any], step: int) -> None:
    # Gradients, and then weights, can become infinite while the loss is finite.
    if not _finite(content["method"]):
        raise Diverged(f"the weights are not finite after step {step}")
    write_checkpoint(folder, content)


def _finite(value: Any) -> bool:
    if isinstance(value, Tensor):
        return not value.is_floating_point() or bool(value.isfinite().all())
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return all(_finite(part) for part in parts)
