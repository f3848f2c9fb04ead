"""Options that several commands share, and the parsing of their values."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import wraps
from inspect import signature
from pathlib import Path
from typing import Any, TypeVar

import click

from infoseg_bench.cli.completion import DATASETS, METHODS, RUNS
from infoseg_bench.errors import UsageError

Command = TypeVar("Command", bound=Callable[..., Any])
Option = Callable[[Callable[..., Any]], Callable[..., Any]]


def gathered(name: str, make: Callable[..., Any], *options: Option) -> Option:
    """Return a decorator that adds several options to a command, which receives them as one argument.

    Args:
        name: name of the command's argument
        make: converts the options' values, passed by name, to the argument
        options: the options, in the order of the help
    """

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def with_argument(**values: Any) -> Any:
            own = {key: values.pop(key) for key in signature(make).parameters}
            return command(**values, **{name: make(**own)})

        done: Callable[..., Any] = with_argument
        for option in reversed(options):
            done = option(done)
        return done

    return add


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
sources_argument = click.argument(
    "sources", nargs=-1, type=click.Path(path_type=Path), envvar="INFOSEG_BENCH_RESULTS"
)
device_option = click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
run_option = click.option(
    "--run",
    "run",
    required=True,
    shell_complete=RUNS,
    help="A run in --results, by its id as shown by `infoseg-bench status` or the beginning of its name; "
    "or a run folder.",
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
    "--protocol",
    default="corrected",
    show_default=True,
    help="Label protocol: corrected, or published, which reads labels as the released code did.",
)


log_options = gathered(
    "logs",
    lambda logs, tensorboard: logs + ((f"tensorboard={tensorboard}",) if tensorboard else ()),
    click.option(
        "--log",
        "logs",
        multiple=True,
        metavar="NAME[=PLACE]",
        help="Copy every run's curve to csv, tensorboard, mlflow or wandb; may be given several times. PLACE "
        "is a folder, or for mlflow the address of a server.  [default: logs/NAME below the results]",
    ),
    click.option("--tensorboard", metavar="DIR", hidden=True, help="The same as --log tensorboard=DIR."),
)


plugin_option = click.option(
    "--plugin",
    "plugins",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    help="A Python file with more methods or data set recipes; may be given several times.",
)


class FiniteRange(click.FloatRange):
    """A range of numbers, to which neither NaN nor infinity belongs."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number", param, ctx)
        return number


class _Jobs(click.ParamType):  # type: ignore[type-arg]
    name = "jobs"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return "N|auto"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        if value is None or value == "auto":
            return None
        return click.IntRange(min=1).convert(value, param, ctx)


JOBS = _Jobs()
"""Type of a number of runs at a time; "auto" becomes None."""


class _Seeds(click.ParamType):  # type: ignore[type-arg]
    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[int]:
        return parse_seeds(value) if isinstance(value, str) else value


SEEDS = _Seeds()
"""Type of seeds such as 0-4 or 0,3,7-9; they become a list of integers."""


def parse_seeds(text: str) -> list[int]:
    """Return the seeds in a text such as "0-4" or "0,3,7-9", without duplicates.

    Raises:
        UsageError: the text has another form, or an empty range
    """
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        try:
            seeds += range(int(first), int(last if dash else first) + 1)
        except ValueError:
            raise UsageError(f"--seeds {text}: write numbers and ranges, such as 0-4 or 0,3,7-9") from None
    if not seeds:
        raise UsageError(f"--seeds {text}: an empty range")
    return list(dict.fromkeys(seeds))


def set_option(meaning: str) -> Callable[[Command], Command]:
    """Return the option `--set`; the command receives `parameters`, by method and name."""
    return click.option(
        "--set",
        "parameters",
        multiple=True,
        metavar="METHOD.PARAMETER=VALUE",
        callback=lambda ctx, param, settings: parse_settings(settings),
        help=meaning,
    )


def parse_settings(settings: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Parse settings such as "iic.lr=1e-4" into parameters by method and name.

    Raises:
        UsageError: a setting has another form
    """
    parameters: dict[str, dict[str, Any]] = {}
    for setting in settings:
        target, equals, text = setting.partition("=")
        method, dot, name = target.partition(".")
        if not (equals and dot and name):
            raise UsageError(f"--set {setting}: write METHOD.PARAMETER=VALUE, such as iic.lr=1e-4")
        parameters.setdefault(method, {})[name] = _value(text)
    return parameters


def _value(text: str) -> Any:
    import tomllib

    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


POSTPROCESS = click.Choice(["none", "mirror"])
"""The values of `records.spec.Postprocess`, repeated here so that help does not import pydantic."""
