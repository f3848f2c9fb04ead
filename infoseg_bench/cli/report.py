"""`infoseg-bench report`: write leaderboards of runs."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from infoseg_bench.cli.options import (
    data_option,
    dataset_filter,
    method_filter,
    plugin_option,
    sources_option,
)


@click.command()
@sources_option
@data_option
@dataset_filter
@method_filter
@click.option(
    "--state",
    "states",
    type=click.Choice(["finished", "unscored"]),
    multiple=True,
    help="Only runs that were scored (finished), or only those on photos without labels (unscored).",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write to.  [default: report below the results]",
)
@click.option(
    "--embed-photos",
    is_flag=True,
    help="Also write a page to local/ that contains the panels of photos that may not be published.",
)
@click.option(
    "--figures",
    type=click.Choice(["svg", "pdf"]),
    default="svg",
    help="File format of the figures; pdf writes both SVG and PDF.  [default: svg]",
)
@plugin_option
def report(
    sources: tuple[Path, ...],
    data: Path,
    datasets: tuple[str, ...],
    methods: tuple[str, ...],
    states: tuple[Literal["finished", "unscored"], ...],
    out: Path | None,
    embed_photos: bool,
    figures: Literal["svg", "pdf"],
    plugins: tuple[Path, ...],
) -> None:
    """Write leaderboards, figures and one HTML page of all finished runs.

    Tables are written as Markdown, CSV and LaTeX; figures as SVG, and with --figures pdf also as PDF. Panels
    of photos are drawn if the prepared data are in --data and the runs still have their checkpoints. Those
    of photos whose licence does not allow publication are written to local/, which git ignores. Records
    whose scores do not match their counts are left out.
    """
    from infoseg_bench.api.results import report as write_report
    from infoseg_bench.errors import MOST_NAMED
    from infoseg_bench.reporting.drawing import clean
    from infoseg_bench.reporting.terminal import print_board, print_gallery

    written = write_report(
        *sources, out=out, data=data, embed_photos=embed_photos, plugins=plugins, figures=figures,
        datasets=datasets, methods=methods, states=states,
    )  # fmt: skip
    for board in written.boards:
        print_board(board)
    for gallery, page in written.galleries:
        print_gallery(gallery)
        click.echo(f"\nsegments: {page}")
    for problem in written.problems[:MOST_NAMED]:
        click.echo(f"Left out: {clean(problem)}", err=True)
    if len(written.problems) > MOST_NAMED:
        click.echo(f"Left out: {len(written.problems) - MOST_NAMED} more, listed in the report", err=True)
    click.echo(f"\nreport: {written.index}\npage: {written.page}")
