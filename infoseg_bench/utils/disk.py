"""What the system says against reading or writing a file, in one line with the remedy."""

from __future__ import annotations

import errno
from pathlib import Path

from infoseg_bench.errors import DiskError, UserError

FULL = {errno.ENOSPC, errno.EDQUOT}
FORBIDDEN = {errno.EACCES, errno.EPERM}
READ_REMEDIES = {
    errno.ENOENT: "check the path",
    errno.ENOTDIR: "check the path",
    errno.EISDIR: "give a file, not a folder",
    errno.EIO: "check the disk",
    errno.ESTALE: "check that the network disk is there",
    errno.ENOLCK: "the disk cannot lock files: copy it to another disk",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENAMETOOLONG: "use a shorter name",
    errno.ELOOP: "check its symbolic links",
}
"""By the system's error number; only causes that the user can do something about."""


def disk_error(error: OSError, path: Path) -> DiskError:
    """Describe in one line why `path` could not be written."""
    # HDF5 puts the system's error number into its message only.
    if error.errno in FULL or any(f"errno = {number}" in str(error) for number in FULL):
        message = f"{path}: the disk is full: free some space, or choose another folder"
        return DiskError(message, errno.ENOSPC)
    if error.errno in FORBIDDEN:
        remedy = "check the folder's permissions, or choose another one"
    elif error.errno == errno.EROFS:
        remedy = "choose a folder on a disk that can be written"
    elif error.errno == errno.ENOLCK:
        remedy = "this disk cannot lock files: choose a folder on another one"
    else:
        remedy = "choose another folder"
    return DiskError(f"{path}: cannot be written ({_reason(error)}): {remedy}", error.errno)


def read_error(error: OSError, path: object, what: str = "") -> UserError:
    """Describe in one line why `path` could not be read.

    Args:
        error: what the system raised
        path: a path, or anything whose text names the file
        what: the file is, such as "the manifest"
    """
    if error.errno in FORBIDDEN:
        return UserError(f"{path}: no permission to read {what or 'it'}: change its permissions")
    remedy = READ_REMEDIES.get(error.errno or 0)
    subject = f"{what} " if what else ""
    return UserError(f"{path}: {subject}cannot be read ({_reason(error)}){f': {remedy}' if remedy else ''}")


def _reason(error: OSError) -> str:
    return error.strerror or " ".join(str(error).split()) or type(error).__name__
