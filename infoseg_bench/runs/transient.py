"""Which failures are worth another attempt: those of a machine, not of a run."""

from __future__ import annotations

import errno

import torch

from infoseg_bench.errors import DiskError, UserError

DISK_NUMBERS = frozenset(
    getattr(errno, name, -1)
    for name in (
        "EIO", "ESTALE", "ETIMEDOUT", "EAGAIN", "EINTR", "EBUSY",
        "ENOTCONN", "EHOSTDOWN", "EHOSTUNREACH", "EREMOTEIO",
    )
)  # fmt: skip
"""Of a disk that may be back in a moment; a full or a forbidden one will not be. Ours."""
WORDS = ("CUDA error", "CUDA driver error", "cuDNN error", "CUBLAS_STATUS", "NCCL", "Connection", "gloo")
"""In messages of torch about a device or a process that was lost; chosen by this project."""


def is_transient(error: BaseException) -> bool:
    """Return whether the same run may well succeed when it is tried again.

    Lost devices, connections and disks are; what a user or a method has done wrong is not, nor is a
    loss that is not finite, which comes back to the bit, nor memory that does not suffice.
    """
    if isinstance(error, DiskError):
        return error.number in DISK_NUMBERS
    if isinstance(error, UserError | torch.cuda.OutOfMemoryError):
        return False
    if isinstance(error, OSError):
        return isinstance(error, ConnectionError | TimeoutError) or error.errno in DISK_NUMBERS
    return isinstance(error, RuntimeError) and any(word in str(error) for word in WORDS)
