"""Distinguish transient failures of the machine, which are worth another attempt, from errors of a run."""

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
"""Error numbers of a disk that may soon work again, unlike a full one; chosen by this project."""
NEIGHBOURS_BYTES = 1 << 30
"""GPU memory of other processes above which they may have caused a lack of it; chosen by this project."""
PERMANENT = ("device-side assert", "illegal memory access", "misaligned address")
"""In CUDA's messages about errors of a kernel, which the same run would reproduce; chosen by this project."""
WORDS = ("CUDA error", "CUDA driver error", "cuDNN error", "CUBLAS_STATUS", "NCCL", "Connection", "gloo")
"""In torch's messages about a lost device or process; chosen by this project."""


def is_transient(error: BaseException) -> bool:
    """Return whether the same run may succeed in another attempt.

    Lost devices, connections and disks are transient. Errors of the user or the method are not; nor is a
    diverged training, which is reproducible; nor is a lack of memory, unless other processes use the GPU.
    """
    if isinstance(error, DiskError):
        return error.number in DISK_NUMBERS
    if isinstance(error, torch.cuda.OutOfMemoryError):
        return bytes_of_others() > NEIGHBOURS_BYTES
    if isinstance(error, UserError):
        return False
    if isinstance(error, OSError):
        return isinstance(error, ConnectionError | TimeoutError) or error.errno in DISK_NUMBERS
    message = str(error)
    if not isinstance(error, RuntimeError) or any(word in message for word in PERMANENT):
        return False
    return any(word in message for word in WORDS)


def bytes_of_others() -> int:
    """Return the bytes of the current GPU's memory that are used by other processes; 0 without a GPU."""
    if not torch.cuda.is_available():
        return 0
    free, total = torch.cuda.mem_get_info()
    return total - free - torch.cuda.memory_reserved()
