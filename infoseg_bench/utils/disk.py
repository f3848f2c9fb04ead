"""Errors of reading and writing files as one-line messages with a remedy."""

from __future__ import annotations

import errno
from pathlib import Path

from infoseg_bench.errors import DiskError, FileError

FULL = {errno.ENOSPC, errno.EDQUOT}
FORBIDDEN = {errno.EACCES, errno.EPERM}
READ_REMEDIES = {
    errno.ENOENT: "check the path",
    errno.ENOTDIR: "check the path",
    errno.EISDIR: "use a file, not a folder",
    errno.EIO: "check the disk",
    errno.ESTALE: "check that the network disk is mounted",
    errno.ENOLCK: "the disk cannot lock files: copy it to another disk",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENAMETOOLONG: "use a shorter name",
    errno.ELOOP: "check its symbolic links",
}
"""Remedy by error number, for the errors that a user can fix."""


def disk_error(error: OSError, path: Path) -> DiskError:
    """Return an error that describes in one line why `path` could not be written."""
    # HDF5 gives the system's error number only within its message.
    if error.errno in FULL or any(f"errno = {number}" in str(error) for number in FULL):
        message = f"{path}: the disk is full: free some space, or choose another folder"
        return DiskError(message, errno.ENOSPC)
    if error.errno in FORBIDDEN:
        remedy = "check the folder's permissions, or choose another one"
    elif error.errno == errno.EROFS:
        remedy = "choose a folder on a writable disk"
    elif error.errno == errno.ENOLCK:
        remedy = "this disk cannot lock files: choose a folder on another disk"
    else:
        remedy = "choose another folder"
    return DiskError(f"{path}: cannot be written ({_reason(error)}): {remedy}", error.errno)


def read_error(error: OSError, path: object, what: str = "") -> FileError:
    """Return an error that describes in one line why `path` could not be read.

    Args:
        error: the system's error
        path: a path, or any object whose text names the file
        what: description of the file for the message, such as "the manifest"
    """
    if error.errno in FORBIDDEN:
        return FileError(path, f"no permission to read {what or 'it'}", "change its permissions")
    remedy = READ_REMEDIES.get(error.errno or 0, "")
    subject = f"{what} " if what else ""
    return FileError(path, f"{subject}cannot be read ({_reason(error)})", remedy)


def _reason(error: OSError) -> str:
    return error.strerror or " ".join(str(error).split()) or type(error).__name__
