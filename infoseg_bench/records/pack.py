"""Packs: files with the finished runs of one table, for publishing, which can be read like a results folder.

A pack is a zip archive: `pack.json` names the format, and every run has `NAME/spec.json`, `NAME/record.json`,
`NAME/counts.npz` (without labels `NAME/segments.npz`) and possibly `NAME/curve.jsonl`, byte for byte as in
its folder. Texts are deflated, as arrays already are. The same runs give the same bytes with the same zlib. A
pack is read without extracting it.
"""

from __future__ import annotations

import json
import os
import re
import zipfile
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import IO

from infoseg_bench.errors import UserError, reason
from infoseg_bench.records.arrays import DAMAGED
from infoseg_bench.records.stored import StoredRun
from infoseg_bench.utils.atomic import write_atomic
from infoseg_bench.utils.text import readable_size

SUFFIX = ".zip"
FORMAT = "infoseg-bench pack 1"
HEADER = "pack.json"
_MEMBER = re.compile(
    r"[A-Za-z0-9][\w.+-]*/(spec\.json|record\.json|counts\.npz|segments\.npz|curve\.jsonl)", re.ASCII
)
LARGEST_TEXT = 1 << 26
"""Largest size of a text in bytes, because a small archive could otherwise fill the memory; chosen by this
project."""
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that members of a zip archive can have."""


class PackedRun(StoredRun):
    """A run in a pack."""

    def __init__(self, pack: Path, name: str, version: tuple[int, int]) -> None:
        """Create the run without reading it.

        Args:
            pack: path of the pack
            name: name of the run
            version: size and time of the file when it was listed
        """
        super().__init__(pack / name)
        self._pack, self._version = pack, version

    def content(self, file: Path) -> bytes | None:
        """Return the content of one of the run's files; None if there is no such file.

        Raises:
            UserError: this part of the pack is damaged
        """
        archive = _open(self._pack, self._version, os.getpid())
        try:
            return archive.read(f"{self.path.name}/{file.name}")
        except KeyError:
            return None
        except (OSError, EOFError, *DAMAGED) as error:
            raise UserError(f"{file}: cannot be read ({reason(error)}): get the pack again") from None


def packed_runs(file: Path) -> list[PackedRun]:
    """List the runs of a pack, by name.

    Raises:
        UserError: no such file, not a pack, or not written by `infoseg-bench pack`
    """
    try:
        state = file.stat()
        version = (state.st_size, state.st_mtime_ns)
        members = _open(file, version, os.getpid()).infolist()
        if members[:1] == [] or members[0].filename != HEADER:
            raise ValueError(f"it does not begin with {HEADER}")
        _check_members(members, state.st_size)
        header = json.loads(_open(file, version, os.getpid()).read(HEADER))
        if header != {"format": FORMAT}:
            raise ValueError(f"its format is {header!r}, and this version reads {FORMAT!r}")
    except (OSError, EOFError, ValueError, RecursionError, *DAMAGED) as error:
        raise UserError(f"{file}: not a pack ({reason(error)}): infoseg-bench pack writes one") from None
    names = dict.fromkeys(member.filename.partition("/")[0] for member in members[1:])
    return [PackedRun(file, name, version) for name in names]


def write_pack(runs: Iterable[StoredRun], out: Path) -> None:
    """Write runs into a pack, in the order of their names. The caller must have checked them.

    Raises:
        UserError: a run cannot be read, or the file cannot be written
    """
    ordered = sorted(runs, key=lambda run: run.path.name)
    write_atomic(out, lambda handle: _write(handle, ordered))


def _write(handle: IO[bytes], runs: Sequence[StoredRun]) -> None:
    with zipfile.ZipFile(handle, "w") as archive:
        _add(archive, HEADER, json.dumps({"format": FORMAT}).encode())
        for run in runs:
            for file in (run.spec_file, run.record_file, run.counts_file, run.segments_file, run.curve_file):
                if (content := run.content(file)) is not None:
                    _add(archive, f"{run.path.name}/{file.name}", content)


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    member = zipfile.ZipInfo(name, _EPOCH)
    member.create_system = 3  # Unix, on every system
    member.external_attr = 0o644 << 16
    archive.writestr(member, content, zipfile.ZIP_STORED if name.endswith(".npz") else zipfile.ZIP_DEFLATED)


def _check_members(members: Sequence[zipfile.ZipInfo], size: int) -> None:
    names = [member.filename for member in members]
    for member in members:
        if member.filename != HEADER and not _MEMBER.fullmatch(member.filename):
            raise ValueError(f"{member.filename!r} does not belong in one")
        if member.filename.endswith(".npz"):
            if member.compress_type != zipfile.ZIP_STORED or member.file_size != member.compress_size:
                raise ValueError(f"{member.filename!r} is compressed twice")
        elif member.file_size > LARGEST_TEXT:
            raise ValueError(f"{member.filename!r} has more than {readable_size(LARGEST_TEXT)}")
    if len(set(names)) < len(names):
        raise ValueError("a name occurs twice")
    # Overlapping members could have many times the size of the file.
    if sum(member.compress_size for member in members) > size:
        raise ValueError("its members are larger than the file")


@lru_cache(maxsize=16)
def _open(file: Path, version: tuple[int, int], process: int) -> zipfile.ZipFile:
    """Open a pack once in every process: forked ones would share the place that is read next."""
    return zipfile.ZipFile(file)
