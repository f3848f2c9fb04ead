"""The measurements of `infoseg-bench speed` as printed tables."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from infoseg_bench.utils.text import columns, duration

if TYPE_CHECKING:
    from infoseg_bench.profiling.measure import Speed
    from infoseg_bench.profiling.speeds import Speeds
    from infoseg_bench.profiling.suite_hours import SuiteEstimate

COLUMNS = (
    ("method", "{method}"),
    ("precision", "{precision}"),
    ("images/s", "{images_per_second:.4g}"),
    ("TFLOP/s", "{tera:.3g}"),
    ("of the matrix rate", "{matrix_share:.0%}"),
    ("data", "{data_share:.1%}"),
    ("outside the network", "{outside}"),
    ("peak memory", "{peak:.2f} GiB ({peak_of})"),
)


def show(found: Speeds) -> None:
    """Print a row for each method, then the estimated hours of each suite."""
    click.echo(f"{found.device}\n")
    rows = [[title for title, _ in COLUMNS], *(_row(speed) for speed in found.speeds)]
    for line in columns(rows):
        click.echo(line)
    for speed in found.speeds:
        click.echo(
            f"{speed.method}: {speed.flops_per_step / speed.images_per_step / 1e9:.3g} GFLOP per image; "
            f"matrix product at {speed.precision}: {speed.matrix_flops_per_second / 1e12:.3g} TFLOP/s"
        )
    _show_suites(found.suites)


def _show_suites(estimates: list[SuiteEstimate]) -> None:
    from infoseg_bench.profiling.suite_hours import COVERS

    for estimate in estimates:
        click.echo(f"\nsuite {estimate.suite}: {duration(3600 * estimate.hours)}")
        for method, hours in estimate.by_method.items():
            click.echo(f"  {method:<16} {duration(3600 * hours)}")
        if estimate.assumed:
            click.echo(
                f"  not prepared, measured on random photos of the same size: {', '.join(estimate.assumed)}"
            )
        if estimate.left_out:
            click.echo(f"  not included: {', '.join(estimate.left_out)}")
    if estimates:
        click.echo(f"\n{COVERS}")


def _row(speed: Speed) -> list[str]:
    outside = speed.outside_network_share
    values = {
        **asdict(speed),
        "tera": speed.flops_per_second / 1e12,
        "peak": speed.peak_bytes / 2**30,
        "outside": "-" if outside is None else f"{outside:.1%}",
    }
    return [form.format(**values) for _, form in COLUMNS]
