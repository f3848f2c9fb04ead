"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

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
protocol_option = click.option(
    "--protocol", default="corrected", show_default=True, help="Label protocol of the data set."
)
plugin_option = click.option(
    "--plugin",
    "plugins",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    help="A Python file with more methods or data set recipes; may be given several times.",
)
