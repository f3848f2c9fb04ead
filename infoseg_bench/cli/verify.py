"""`infoseg-bench verify`: recompute every score from its counts."""

from __future__ import annotations

from pathlib import Path

import click

from infoseg_bench.cli.options import plugin_option
from infoseg_bench.errors import UserError


@click.command()
@click.argument(
    "results", type=click.Path(path_type=Path, file_okay=False), default=Path("results"), required=False
)
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder of prepared data sets: check them too, and the records against their labels.",
)
@plugin_option
def verify(results: Path, data: Path | None, plugins: tuple[Path, ...]) -> None:
    """Check that everything in a results folder adds up.

    Every score is computed again from the raw counts. Identities, checksums, specs, curves, warnings
    and label use must fit, and all records of the same data must count the same labels. With --data
    the stores' contents are hashed again, and the labels counted again. Whatever does not add up is named in
    one line, with exit status 1.

    \b
    infoseg-bench verify reports/records
    infoseg-bench verify results --data data
    """  # noqa: D301 - click reads the escape
    from infoseg_bench.records.verify import verify_results
    from infoseg_bench.utils.progress import show_progress

    found = verify_results(results, data=data, plugins=plugins, progress=show_progress)
    for fault in found.faults:
        click.echo(fault)
    unfinished = f", {found.unfinished} not finished" if found.unfinished else ""
    click.echo(f"{found.sound} records add up{unfinished}")
    if found.faults:
        raise UserError(f"{results}: {len(found.faults)} faults: they are named above")
