"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from infoseg_bench.cli.completion import DATASETS, METHODS, RUNS

Command = TypeVar("Command", bound=Callable[..., Any])


def _folder_option(name: str, meaning: str) -> Callable[[Command], Command]:
    return click.option(
        f"--{name}",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path(name),
        show_default=True,
        envvar=f"INFOSEG_BENCH_{name.upper()}",
        show_envvar=True,
        help=meaning,
    )


data_option = _folder_option("data", "Folder of the prepared data sets.")
results_option = _folder_option("results", "Folder of the runs.")
sources_option = click.option(
    "--results",
    "sources",
    type=click.Path(path_type=Path),
    multiple=True,
    default=[Path("results")],
    show_default=True,
    envvar="INFOSEG_BENCH_RESULTS",
    show_envvar=True,
    help="Results folder or pack; may be given several times.",
)
sources_argument = click.argument("sources", nargs=-1, type=click.Path(path_type=Path))
device_option = click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
run_option = click.option(
    "--run",
    "run",
    required=True,
    shell_complete=RUNS,
    help="The id that `infoseg-bench status` shows of a run in --results, or a run folder.",
)
dataset_filter = click.option(
    "--dataset",
    "datasets",
    multiple=True,
    shell_complete=DATASETS,
    help="Only this data set; may be given several times.",
)
method_filter = click.option(
    "--method",
    "methods",
    multiple=True,
    shell_complete=METHODS,
    help="Only this method; may be given several times.",
)
protocol_option = click.option(
    "--protocol", default="corrected", show_default=True, help="Label protocol of the data set."
)


def log_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--log`, and its older form `--tensorboard DIR`; the command gets a tuple `logs`."""

    @wraps(command)
    def with_logs(logs: tuple[str, ...], tensorboard: str | None, **options: Any) -> Any:
        more = (f"tensorboard={tensorboard}",) if tensorboard else ()
        return command(logs=logs + more, **options)

    add_log = click.option(
        "--log",
        "logs",
        multiple=True,
        metavar="NAME[=PLACE]",
        help="Copy every run's curve to csv, tensorboard, mlflow or wandb; may be given several times. PLACE "
        "is a folder, or for mlflow the address of a server.  [default: logs/NAME below the results]",
    )
    add_tensorboard = click.option(
        "--tensorboard", metavar="DIR", hidden=True, help="The same as --log tensorboard=DIR."
    )
    return add_log(add_tensorboard(with_logs))


plugin_option = click.option(
    "--plugin",
    "plugins",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    help="A Python file with more methods or data set recipes; may be given several times.",
)


class _Jobs(click.ParamType):  # type: ignore[type-arg]
    name = "jobs"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return "N|auto"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        if value is None or value == "auto":
            return None
        return click.IntRange(min=1).convert(value, param, ctx)


JOBS = _Jobs()
"""A number of runs side by side; None for "auto"."""
