"""`infoseg-bench compare`: compare two results folders or packs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from infoseg_bench.reporting.comparison import ComparedRow

TITLES = (
    "data set",
    "method",
    "seeds",
    "first PA",
    "second PA",
    "difference",
    "95 % interval",
    "settings that differ",
)


@click.command()
@click.argument("first", type=click.Path(path_type=Path, exists=True))
@click.argument("second", type=click.Path(path_type=Path, exists=True))
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, with fractions instead of percent.")
def compare(first: Path, second: Path, as_csv: bool) -> None:
    """Compare the runs of two results folders or packs.

    Prints one row for each data set and method that both contain: their mean pixel accuracy (PA) over seeds
    in percent, the difference (second minus first), its 95 % interval from a paired bootstrap over images,
    and the settings that differ. Runs that only one of them contains are listed below.

    \b
    infoseg-bench compare before.zip results
    """  # noqa: D301 - click reads the escape
    from infoseg_bench.api.results import compare as compare_sources
    from infoseg_bench.utils.text import columns

    found = compare_sources(first, second)
    for problem in found.problems:
        click.echo(f"left out: {problem}", err=True)
    if as_csv:
        click.echo(found.table().to_csv(index=False), nl=False)
        return
    if found.rows:
        click.echo("\n".join(columns([TITLES, *(_cells(row) for row in found.rows)])))
    for source, lines in ((first, found.only_first), (second, found.only_second)):
        for line in lines:
            click.echo(f"only in {source}: {line}")


def _cells(row: ComparedRow) -> tuple[str, ...]:
    record, (one, other) = row.first[0].record, row.means
    seeds = (
        f"{len(row.first)}" if len(row.first) == len(row.second) else f"{len(row.first)}, {len(row.second)}"
    )
    shown = (
        f"{100 * row.interval.low:+.1f} to {100 * row.interval.high:+.1f}" if row.interval else "other images"
    )
    return (
        *(record.spec.dataset, record.method_title, seeds, f"{100 * one:.1f}", f"{100 * other:.1f}"),
        *(f"{100 * row.difference:+.1f}", shown, row.differing_settings or "none"),
    )
