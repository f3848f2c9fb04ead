"""`infoseg-bench report`: from records to boards."""

from __future__ import annotations

from pathlib import Path

import click

from infoseg_bench.cli.options import results_option


@click.command()
@results_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write to.  [default: report below the results]",
)
def report(results: Path, out: Path | None) -> None:
    """Write leaderboards (Markdown, CSV) and confusion matrices (CSV, PNG) of all finished runs."""
    from infoseg_bench.report.leaderboard import markdown
    from infoseg_bench.report.write import write_report

    written = write_report(results, out or results / "report")
    for board in written.boards:
        click.echo(markdown(board) + "\n")
    click.echo(f"report: {written.index}")
