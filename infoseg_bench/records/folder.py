"""A run's folder: its files, its state, and whether a worker is using it."""

from __future__ import annotations

import hashlib
import json
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from infoseg_bench.errors import UserError, reason
from infoseg_bench.records.heartbeat import owned_elsewhere
from infoseg_bench.records.record import Record
from infoseg_bench.records.spec import RunSpec
from infoseg_bench.records.stored import RunFile, StoredRun
from infoseg_bench.utils.atomic import write_text

State = Literal["finished", "failed", "running", "interrupted", "missing"]
NUMBER = (int, float)
KINDS: dict[str, Any] = {
    "step": int, "steps": int, "doing": str, "diagnostics": dict,
    **dict.fromkeys(("loss", "pixel_accuracy", "steps_per_second", "seconds_left"), NUMBER),
}  # fmt: skip
"""Types of what a status, or a line of a curve, says about a run's progress."""


class RunFolder(StoredRun):
    """The files of one run below a results folder."""

    status_file = RunFile("status.json")
    checkpoint_file = RunFile("checkpoint.pt")
    previous_checkpoint_file = RunFile("checkpoint.previous.pt")
    log_file = RunFile("log.txt")
    lock_file = RunFile(".lock")
    owner_file = RunFile(".owner")
    claim_file = RunFile(".claim")
    threads_file = RunFile(".threads")
    snapshots_file = RunFile("snapshots.npz")

    @classmethod
    def of(cls, results: Path, spec: RunSpec) -> RunFolder:
        """Return the folder of a run below `results`."""
        return cls(results / "runs" / spec.folder)

    def create(self, spec: RunSpec) -> None:
        """Create the folder and write the spec."""
        if not self.spec_file.exists():
            write_text(self.spec_file, spec.model_dump_json(indent=2) + "\n")

    def exists(self) -> bool:
        """Return whether this is the folder of a run, with its spec, or with its record, which repeats it."""
        return self.spec_file.exists() or self.record_file.exists()

    def content(self, file: Path) -> bytes | None:
        """Read one of the run's files; None if there is no such file.

        Raises:
            UserError: it cannot be read
        """
        try:
            return file.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UserError(f"{file}: cannot be read ({reason(error)})") from None

    def counts_sha256(self) -> str:
        """Hash the file of counts: 64 hexadecimal digits."""
        return sha256(self.counts_file)

    def lock(self) -> FileLock:
        """Return the lock that a worker acquires; the system releases it if the worker dies."""
        self.path.mkdir(parents=True, exist_ok=True)
        return FileLock(self.lock_file)

    def state(self) -> State:
        """Return the state of the run. If its worker died, the run is interrupted."""
        return self.state_with(self.record())

    def state_with(self, record: Record | None) -> State:
        """Return the state of the run from a record that has been read already."""
        if record is not None and record.is_complete:
            return "finished"
        if self.running():
            return "running"
        if record is not None:
            return "failed"
        return "interrupted" if self.has_checkpoint() else "missing"

    def has_checkpoint(self) -> bool:
        """Return whether a checkpoint exists, whether intact or damaged."""
        return self.checkpoint_file.exists() or self.previous_checkpoint_file.exists()

    def first_threads(self, now: int) -> int:
        """Return the number of CPU threads that the run was first started with; the first time, `now`."""
        with suppress(OSError, ValueError):
            return max(1, int(self.threads_file.read_text()))
        write_text(self.threads_file, f"{now}\n")
        return now

    def running(self) -> bool:
        """Return whether a worker is active, here or on another machine; no file is created."""
        return owned_elsewhere(self.owner_file) or self._locked()

    def write_status(self, **values: Any) -> None:
        """Write the progress for watchers. A file damaged by a power cut counts as missing."""
        text = json.dumps({"pid": os.getpid(), "host": socket.gethostname(), **values}) + "\n"
        write_text(self.status_file, text, durable=False)

    def status(self) -> dict[str, Any]:
        """Read the progress that the worker last wrote; empty if there is none. Wrong types are left out."""
        try:
            content = json.loads(self.status_file.read_text())
        except (OSError, ValueError):
            return {}
        return plausible(content) if isinstance(content, dict) else {}

    def clear(self) -> None:
        """Delete the results, so that the run starts again; not while a worker is active."""
        if self.running():
            return
        self.clear_results()

    def clear_results(self) -> None:
        """Delete the results; the caller must hold the lock."""
        for file in (
            self.record_file,
            self.counts_file,
            self.checkpoint_file,
            self.previous_checkpoint_file,
            self.curve_file,
            self.status_file,
            self.threads_file,
            self.snapshots_file,
        ):
            file.unlink(missing_ok=True)

    def clean(self) -> None:
        """Remove incomplete files of killed workers; the caller must hold the lock."""
        for name in ("checkpoint.pt", "counts.npz", "record.json", "status.json"):
            for file in self.path.glob(f".{name}.*.tmp"):
                file.unlink(missing_ok=True)

    def _locked(self) -> bool:
        if not self.lock_file.exists():
            return False
        lock = self.lock()
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        lock.release()
        return False


def plausible(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a status or a line of a curve contains, without values of a wrong type."""
    kept = {key: value for key, value in values.items() if isinstance(value, KINDS.get(key, object))}
    if figures := kept.get("diagnostics"):
        kept["diagnostics"] = {name: x for name, x in figures.items() if isinstance(x, NUMBER)}
    return kept


FINISHED, FAILED, BUSY, INTERRUPTED = 0, 1, 75, 130
"""Exit statuses of a worker; BUSY: another process is working on the run (EX_TEMPFAIL of sysexits)."""


def sha256(file: Path) -> str:
    """Hash a file: 64 hexadecimal digits."""
    return hashlib.sha256(file.read_bytes()).hexdigest()
