"""`infoseg-bench verify` and `infoseg-bench pack`: check runs, and pack them into one file."""

from __future__ import annotations

from pathlib import Path

import click

from infoseg_bench.cli.options import plugin_option, sources_argument
from infoseg_bench.errors import UserError
from infoseg_bench.utils.text import plural


@click.command()
@sources_argument
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder of prepared data sets, to also check them and compare the records with their labels.",
)
@plugin_option
def verify(sources: tuple[Path, ...], data: Path | None, plugins: tuple[Path, ...]) -> None:
    """Check results folders and packs.

    The default of SOURCES is the folder "results", or what INFOSEG_BENCH_RESULTS names instead.

    Every score is computed again from the raw counts. Identities, checksums, specs, curves, warnings and
    label use must agree, and all records of the same data must count the same labels. With --data, the
    prepared data sets are hashed again and their labels counted again. Each fault is reported in one line.
    The exit status is 1 if there are faults.

    \b
    infoseg-bench verify reports/demo/packs
    infoseg-bench verify results --data data
    """  # noqa: D301 - click reads the escape
    from infoseg_bench.api.results import verify as verify_sources
    from infoseg_bench.utils.progress import show_progress

    found = verify_sources(*sources, data=data, plugins=plugins, progress=show_progress)
    for fault in found.faults:
        click.echo(fault)
    unfinished = f", {plural(found.unfinished, 'run')} not finished" if found.unfinished else ""
    click.echo(f"{plural(found.sound, 'record')} verified{unfinished}.")
    if found.faults:
        raise UserError(f"{plural(len(found.faults), 'fault')}, see above")


@click.command()
@sources_argument
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The file to write."
)
def pack(sources: tuple[Path, ...], out: Path) -> None:
    """Pack the finished runs of results folders into one file, for publication.

    The default of SOURCES is the folder "results", or what INFOSEG_BENCH_RESULTS names instead. A pack
    contains spec, record, counts and curve of every run; `report`, `verify` and `load_results` read it like a
    folder. Runs whose scores do not match their counts are left out and listed. The exit status is 1 if
    there are any.

    \b
    infoseg-bench pack results --out table-1.zip
    infoseg-bench report --results table-1.zip --out report
    """  # noqa: D301 - click reads the escape
    from infoseg_bench.api.results import pack as pack_sources
    from infoseg_bench.utils.progress import show_progress

    packed = pack_sources(*sources, out=out, progress=show_progress)
    for problem in packed.problems:
        click.echo(f"left out: {problem}", err=True)
    unfinished = f", {packed.unfinished} unfinished left out" if packed.unfinished else ""
    click.echo(f"{plural(packed.runs, 'run')} packed{unfinished}: {packed.file}")
    if packed.problems:
        raise UserError(f"{plural(len(packed.problems), 'run')} left out, see above")
