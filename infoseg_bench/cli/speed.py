"""`infoseg-bench speed`: how fast methods train here, and how long the suites would take."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from infoseg_bench.cli.options import data_option, device_option, plugin_option, set_option
from infoseg_bench.cli.speed_table import show
from infoseg_bench.errors import UsageError

if TYPE_CHECKING:
    from infoseg_bench.contracts.registry import Registry
    from infoseg_bench.profiling.measure import Speed
    from infoseg_bench.profiling.suite_hours import SuiteEstimate


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
@click.option(
    "--seconds",
    type=click.FloatRange(min=0),
    default=5.0,
    show_default=True,
    help="About how long to measure each part, but at least one step.",
)
@click.option(
    "--suites/--no-suites",
    default=True,
    show_default=True,
    help="Also estimate the shipped suites, by running a few steps of every method with every suite's "
    "settings.",
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@data_option
@plugin_option
def speed(
    methods: tuple[str, ...],
    parameters: dict[str, dict[str, Any]],
    data: Path,
    plugins: tuple[Path, ...],
    as_json: bool,
    **options: Any,
) -> None:
    """Measure how fast methods train on this machine.

    Shows images per second; the rate of floating-point operations in convolutions and matrix products,
    relative to what a large matrix product reaches on the same device in the same minute; which part of a
    step is spent on cutting crops, and which outside the network; memory; and the hours that each shipped
    suite would take here.
    """
    from infoseg_bench.contracts.registry import load_methods

    registry = load_methods(plugins)
    chosen = _chosen(methods, registry)
    speeds, estimates = _measure(chosen, parameters, registry, data, plugins, **options)
    if as_json:
        figures = {
            "device": _device_name(options["device"]),
            "speeds": list(map(asdict, speeds)),
            "suites": list(map(asdict, estimates)),
        }
        click.echo(json.dumps(figures, indent=2))
    else:
        show(_device_name(options["device"]), speeds, estimates)


def _chosen(methods: tuple[str, ...], registry: Registry) -> list[str]:
    trained = [name for name in methods or sorted(registry.methods) if registry.method(name).is_iterative]
    for name in methods:
        if name not in trained:
            raise UsageError(f"--method {name}: does not train by steps, so it has no training speed")
    return trained


def _measure(
    methods: list[str],
    parameters: dict[str, dict[str, Any]],
    registry: Registry,
    data: Path,
    plugins: tuple[Path, ...],
    *,
    dataset: str | None,
    device: str,
    compile: bool,
    seconds: float,
    suites: bool,
) -> tuple[list[Speed], list[SuiteEstimate]]:
    from infoseg_bench.contracts.registry import load_recipes
    from infoseg_bench.data.catalogue import find_prepared, prepared_datasets
    from infoseg_bench.planning.suite import load_suite, shipped_suites
    from infoseg_bench.profiling.measure import measure
    from infoseg_bench.profiling.stage import prepared_stage, random_stage, unprepared_task
    from infoseg_bench.profiling.suite_hours import Estimator
    from infoseg_bench.utils.device import choose_device

    where, (prepared, _) = choose_device(device), prepared_datasets(data)
    for name in parameters:
        registry.method(name)
    recipes = load_recipes(plugins).recipes
    if dataset is None:
        stage = random_stage()
    elif dataset in recipes and dataset not in prepared:
        stage = random_stage(unprepared_task(dataset, recipes))
    else:
        stage = prepared_stage(find_prepared(data, dataset))
    speeds = []
    for name in methods:
        _announce(name)
        cls = registry.method(name)
        chosen = cls.resolve(stage.task.dataset, parameters.get(name, {}))
        speeds.append(measure(cls, chosen, stage, where, compile=compile, seconds=seconds))
    estimator = Estimator(
        registry=registry, recipes=recipes, prepared=prepared, device=where, compile=compile,
        seconds=seconds, announce=lambda line: _announce(f"for the suites: {line}"),
    )  # fmt: skip
    names = shipped_suites() if suites else []
    return speeds, [estimator.estimate(name, load_suite(name), methods) for name in names]


def _announce(line: str) -> None:
    click.echo(f"measuring {line}", err=True)


def _device_name(device: str) -> str:
    import torch

    from infoseg_bench.records.provenance import cpu_model
    from infoseg_bench.utils.device import choose_device

    chosen = choose_device(device)
    if chosen.type == "cuda":
        return torch.cuda.get_device_name(chosen)
    return f"{cpu_model()}, {torch.get_num_threads()} threads"
