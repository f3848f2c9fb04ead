"""`infoseg-bench compare`: compare two results folders or packs."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

import click

TITLES = ("data set", "method", "seeds", "first", "second", "change", "95 % interval", "settings")
GIVE_WAY = ("settings", "seeds", "95 % interval")
"""Columns that are left out, in this order, if a line is too short."""


@click.command()
@click.argument("first", type=click.Path(path_type=Path, exists=True))
@click.argument("second", type=click.Path(path_type=Path, exists=True))
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, with fractions instead of percent.")
def compare(first: Path, second: Path, as_csv: bool) -> None:
    """Compare the runs of two results folders or packs.

    Prints one row for each data set and method that both contain: their mean pixel accuracy (PA) over seeds
    in percent, the change (second minus first), its 95 % interval from a paired bootstrap over images, and
    the settings that differ. Runs that only one of them contains are listed below.

    \b
    infoseg-bench compare before.zip results
    """  # noqa: D301 - click reads the escape
    from infoseg_bench.api.results import compare as compare_sources
    from infoseg_bench.utils.text import fitted

    found = compare_sources(first, second)
    for problem in found.problems:
        click.echo(f"left out: {problem}", err=True)
    if as_csv:
        click.echo(found.rows.to_csv(index=False), nl=False)
        return
    if len(found.rows):
        if found.rows["protocol"].nunique() > 1:
            found.rows["dataset"] += " (" + found.rows["protocol"] + ")"
        rows = [*map(_cells, found.rows.itertuples())]
        width = shutil.get_terminal_size().columns
        click.echo("\n".join(fitted(TITLES, rows, width, give_way=GIVE_WAY)))
    for source, lines in ((first, found.only_first), (second, found.only_second)):
        for line in lines:
            click.echo(f"only in {source}: {line}")


def _cells(row: Any) -> tuple[str, ...]:
    first, second, difference, low, high = (
        100 * share
        for share in (row.first_pixel_accuracy, row.second_pixel_accuracy, row.difference, row.low, row.high)
    )
    alike = row.first_seeds == row.second_seeds
    seeds = f"{row.first_seeds}" if alike else f"{row.first_seeds}, {row.second_seeds}"
    interval = "other images" if math.isnan(low) else f"{low:+z.1f} to {high:+z.1f}"
    return (
        *(row.dataset, row.method, seeds, f"{first:.1f}", f"{second:.1f}", f"{difference:+z.1f}"),
        *(interval, row.settings or "none"),
    )
