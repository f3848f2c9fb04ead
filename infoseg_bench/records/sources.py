"""Sources of runs: results folders, packs, and folders of packs, alone or combined."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from infoseg_bench.errors import UserError
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.records.pack import SUFFIX, packed_runs
from infoseg_bench.records.stored import StoredRun


def stored_runs(sources: Sequence[Path]) -> tuple[list[StoredRun], list[str]]:
    """List the runs of results folders and packs. A run that is in several is taken from the first.

    Args:
        sources: packs, or folders that contain `runs/`, packs or both


    Returns:
        the runs, ordered by name within each source; and a line for every pack that cannot be read and every
        run that differs between its sources
    """
    runs: dict[str, StoredRun] = {}
    problems: list[str] = []
    for place in _places(sources):
        try:
            found = packed_runs(place) if place.name.endswith(SUFFIX) or place.is_file() else _folders(place)
        except UserError as error:
            problems.append(str(error))
            continue
        for run in found:
            first = runs.setdefault(run.path.name, run)
            if first is not run and not _same(first, run):
                problems.append(f"{run.path}: differs from {first.path}, which is used instead")
    return list(runs.values()), problems


def _places(sources: Sequence[Path]) -> Iterator[Path]:
    for source in sources:
        yield source
        if source.is_dir():
            yield from sorted(file for file in source.glob(f"*{SUFFIX}") if file.is_file())


def _folders(results: Path) -> list[RunFolder]:
    return [RunFolder(path) for path in sorted((results / "runs").glob("*")) if path.is_dir()]


def _same(one: StoredRun, other: StoredRun) -> bool:
    try:
        return one.content(one.record_file) == other.content(other.record_file)
    except UserError:
        return False
