"""Existing runs: packing, verifying, reporting, comparing and listing them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Literal

from infoseg_bench.errors import UsageError, UserError
from infoseg_bench.launchers.run_status import RunStatus, run_statuses
from infoseg_bench.records.audit import audit_completed
from infoseg_bench.records.pack import SUFFIX, write_pack
from infoseg_bench.records.sources import stored_runs
from infoseg_bench.records.stored import StoredRun
from infoseg_bench.records.verification import Verification, verify_results
from infoseg_bench.reporting.comparison import Comparison, compare_runs
from infoseg_bench.reporting.write import Report, write_report
from infoseg_bench.utils.arguments import names, paths
from infoseg_bench.utils.progress import ProgressFactory, no_progress

PathLikes = str | PathLike[str]


@dataclass(frozen=True, kw_only=True)
class Packed:
    """The result of `pack`.

    Attributes:
        file: the pack
        runs: number of finished runs in it
        unfinished: number of runs left out because they are not finished
        problems: a message for each run left out because it is damaged
    """

    file: Path
    runs: int
    unfinished: int
    problems: tuple[str, ...]


def pack(*sources: PathLikes, out: PathLikes, progress: ProgressFactory = no_progress) -> Packed:
    """Write the finished runs of results folders and packs into one file, for publishing.

    A pack contains spec, record, counts and curve of every run, and can be read like a results folder. The
    same runs always give the same bytes. Runs whose scores do not match their counts are left out and
    reported.

    Args:
        sources: results folders, packs, or folders of packs; none: the folder "results"
        out: the file to write, with a name that ends in .zip
        progress: shows how many runs have been checked

    Raises:
        UserError: there is no finished run, `out` does not end in .zip, or it cannot be written
    """
    file = Path(out)
    if file.suffix != SUFFIX:
        raise UserError(f"{file}: a pack is a zip archive: use a name that ends in {SUFFIX}")
    places = _places(sources)
    found, problems = stored_runs([place for place in places if place != file])
    runs: list[StoredRun] = []
    unfinished = 0
    for run in progress(found, "checking"):
        try:
            if (record := run.completed_record()) is None:
                unfinished += 1
                continue
            audit_completed(run, record)
            runs.append(run)
        except UserError as error:
            problems.append(str(error))
    if not runs:
        raise UserError("; ".join(problems) or f"{', '.join(map(str, places))}: no finished run to pack")
    write_pack(runs, file)
    return Packed(file=file, runs=len(runs), unfinished=unfinished, problems=tuple(problems))


def verify(
    *sources: PathLikes,
    data: PathLikes | None = None,
    plugins: Sequence[PathLikes] = (),
    progress: ProgressFactory = no_progress,
) -> Verification:
    """Recompute every score of results folders and packs, and compare the records with each other.

    Args:
        sources: results folders, packs, or folders of packs; none: the folder "results"
        data: folder of prepared data sets, from which labels are counted again
        plugins: files with more methods
        progress: shows how many runs have been verified

    Returns:
        the number of verified records, and a message for each fault

    Raises:
        UserError: there are no runs
    """
    if data is not None and not Path(data).is_dir():
        raise UsageError(f"{data}: no such folder: use that of the prepared data sets, or leave out data")
    return verify_results(
        *_places(sources),
        data=None if data is None else Path(data),
        plugins=paths(plugins),
        progress=progress,
    )


def report(
    *sources: PathLikes,
    out: PathLikes | None = None,
    data: PathLikes | None = "data",
    embed_photos: bool = False,
    plugins: Sequence[PathLikes] = (),
    figures: Literal["svg", "pdf"] = "svg",
    datasets: Collection[str] = (),
    methods: Collection[str] = (),
    states: Collection[Literal["finished", "unscored"]] = (),
) -> Report:
    """Write leaderboards, figures and one HTML page of all finished runs.

    Args:
        sources: results folders, packs, or folders of packs; none: the folder "results"
        out: folder to write to; None: "report" in the first source, or next to it if it is a pack
        data: folder of prepared data sets, for panels of photos; None: no panels
        embed_photos: whether to also write a second page, with the photos that may not be published
        plugins: files with more methods
        figures: "pdf" also writes every figure as PDF
        datasets: names of data sets to include; empty: all
        methods: names of methods to include; empty: all
        states: "finished" for scored runs, "unscored" for those on photos without labels; empty: both

    Returns:
        the files to open first, and the leaderboards

    Raises:
        UserError: no finished run, or `out` cannot be written
    """
    if figures not in ("svg", "pdf"):
        raise UsageError(f"figures={figures!r}: use 'svg' or 'pdf'")
    places = _places(sources)
    return write_report(
        places,
        Path(out) if out is not None else default_report(places),
        data=None if data is None else Path(data),
        embed_photos=embed_photos,
        plugins=paths(plugins),
        figures=figures,
        datasets=names(datasets),
        methods=names(methods),
        states=names(states),
    )


def compare(first: PathLikes, second: PathLikes) -> Comparison:
    """Compare the finished runs of two results folders or packs, row by row.

    Args:
        first: results folder or pack
        second: results folder or pack

    Returns:
        `rows`, a DataFrame: both scores of every method on the same data, the bootstrap interval of their
            paired difference over images, and the settings that differ; and what only one of them has

    Raises:
        UserError: one of them has no finished run
    """
    return compare_runs(Path(first), Path(second))


def status(
    results: PathLikes = "results",
    *,
    datasets: Collection[str] = (),
    methods: Collection[str] = (),
    states: Collection[str] = (),
) -> list[RunStatus]:
    """Return the runs of a results folder with their state and progress.

    Args:
        results: folder of the runs
        datasets: names of data sets to select; empty: all
        methods: names of methods to select; empty: all
        states: states to select, such as "failed"; empty: all

    Returns:
        the runs, ordered by name; damaged runs have the state "damaged"
    """
    return run_statuses(
        Path(results), datasets=names(datasets), methods=names(methods), states=names(states)
    )[0]


def default_report(sources: Sequence[Path]) -> Path:
    """Return the default folder of a report, below the first results folder or beside the first pack.

    Args:
        sources: results folders and packs, at least one
    """
    first = sources[0]
    return (first.parent if first.is_file() else first) / "report"


def _places(sources: Sequence[PathLikes]) -> list[Path]:
    return [Path(source) for source in sources or ["results"]]
