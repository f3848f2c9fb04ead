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
NEIGHBOURS_BYTES = 1 << 30
"""Memory of a GPU that others hold, above which a lack of it may be their doing; chosen by this project."""
PERMANENT = ("device-side assert", "illegal memory access", "misaligned address")
"""In messages of CUDA about what a kernel was given; the same run gives it again."""
WORDS = ("CUDA error", "CUDA driver error", "cuDNN error", "CUBLAS_STATUS", "NCCL", "Connection", "gloo")
"""In messages of torch about a device or a process that was lost; chosen by this project."""


def is_transient(error: BaseException) -> bool:
    """Return whether the same run may well succeed when it is tried again.

    Lost devices, connections and disks are; what a user or a method has done wrong is not, nor is a
    loss that is not finite, which comes back to the bit, nor memory that does not suffice, unless other
    processes hold part of the GPU's.
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
    """Return the memory of the current GPU that this process's tensors do not hold; 0 without a GPU."""
    if not torch.cuda.is_available():
        return 0
    free, total = torch.cuda.mem_get_info()
    return total - free - torch.cuda.memory_reserved()
