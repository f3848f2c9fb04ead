"""Heartbeats of workers in a run's folder, for machines that share a disk but not its locks.

The lock (flock) suffices on one machine, and on network disks that support it, as NFS does unless mounted
with `local_lock`. Elsewhere, a file that the worker touches regularly keeps other machines away.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

BEAT_SECONDS = 10.0
"""Time between two touches; chosen by this project."""
STALE_SECONDS = 60.0
"""Time without a touch after which the worker's machine counts as dead; chosen by this project. Network disks
show a touch with a delay (NFS caches attributes for up to a minute by default, but not those of a file that
was just opened)."""


@contextmanager
def owning(file: Path) -> Iterator[None]:
    """Signal that this machine is working on the run, and keep signalling; the caller must hold the lock."""
    file.write_text(socket.gethostname() + "\n")
    ended = threading.Event()
    beating = threading.Thread(target=_beat, args=(file, ended), daemon=True, name="heartbeat")
    beating.start()
    try:
        yield
    finally:
        ended.set()
        beating.join()
        file.unlink(missing_ok=True)


def owned_elsewhere(file: Path) -> bool:
    """Return whether another machine is working. A dead one counts as alive for `STALE_SECONDS`."""
    try:
        with file.open() as handle:
            owner, touched = handle.read().strip(), os.fstat(handle.fileno()).st_mtime
    except OSError:
        return False
    return bool(owner) and owner != socket.gethostname() and _disk_time(file.parent) - touched < STALE_SECONDS


def claim(file: Path) -> bool:
    """Signal that a worker is about to start, so that no other launcher starts one as well.

    A claim only saves work and guarantees nothing: the lock decides. It ends when `file` is removed, or after
    `STALE_SECONDS`.

    Returns:
        whether no one else had a claim
    """
    for _ in range(2):
        try:
            file.open("x").close()
            return True
        except FileExistsError:
            if claimed(file):
                return False
            file.unlink(missing_ok=True)
    return False


def claimed(file: Path) -> bool:
    """Return whether a launcher has recently claimed that it is about to start a worker."""
    try:
        touched = file.stat().st_mtime
        return _disk_time(file.parent) - touched < STALE_SECONDS
    except OSError:
        return False


def _beat(file: Path, ended: threading.Event) -> None:
    while not ended.wait(BEAT_SECONDS):
        with suppress(OSError):
            os.utime(file)


def _disk_time(folder: Path) -> float:
    """Return the time of the disk's server, which sets the time of new files."""
    probe = folder / f".clock.{socket.gethostname()}.{os.getpid()}"
    probe.touch()
    try:
        return probe.stat().st_mtime
    finally:
        probe.unlink(missing_ok=True)
