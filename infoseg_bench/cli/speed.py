"""`infoseg-bench speed`: measure how fast methods train, and estimate the time of suites."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from infoseg_bench.cli.options import FiniteRange, data_option, device_option, plugin_option, set_option
from infoseg_bench.cli.speed_table import show


@click.command()
@click.option(
    "--method", "methods", multiple=True, help="A method; may be given several times.  [default: all]"
)
@click.option(
    "--dataset",
    help="Data set to train on; random photos of its sizes if it is not prepared.  "
    "[default: random 128x128 photos, K = 15]",
)
@set_option("Set a method's parameter, such as infoseg.precision=bfloat16; suites have their own.")
@device_option
@click.option("--compile", is_flag=True, help="Use torch.compile for the networks.")
@click.option("--cuda-graph", is_flag=True, help="Record training steps as CUDA graphs.")
@click.option(
    "--seconds",
    type=FiniteRange(min=0),
    default=5.0,
    show_default=True,
    help="Approximate time to measure each part; at least one step is timed.",
)
@click.option(
    "--suites/--no-suites",
    default=True,
    show_default=True,
    help="Also estimate the time of the shipped suites from a few steps of every method with their settings.",
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@data_option
@plugin_option
def speed(
    methods: tuple[str, ...],
    dataset: str | None,
    parameters: dict[str, dict[str, Any]],
    device: str,
    compile: bool,
    cuda_graph: bool,
    seconds: float,
    suites: bool,
    as_json: bool,
    data: Path,
    plugins: tuple[Path, ...],
) -> None:
    """Measure how fast methods train on this machine.

    Shows images per second; the rate of floating-point operations in convolutions and matrix products, also
    relative to that of a large matrix product on the same device; the parts of a step spent on cutting crops
    and outside the network; memory; and the estimated hours of each shipped suite.
    """
    from infoseg_bench.profiling.speeds import measure_speeds

    found = measure_speeds(
        methods, dataset=dataset, parameters=parameters, device=device, compile=compile,
        cuda_graph=cuda_graph, seconds=seconds, suites=suites, data=data, plugins=plugins,
        announce=lambda line: click.echo(f"measuring {line}", err=True),
    )  # fmt: skip
    if as_json:
        click.echo(json.dumps(asdict(found), indent=2))
    else:
        show(found)
