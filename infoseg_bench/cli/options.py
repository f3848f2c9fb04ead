"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

data_option = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("data"),
    show_default=True,
    envvar="INFOSEG_BENCH_DATA",
    show_envvar=True,
    help="Folder of the prepared data sets.",
)
results_option = click.option(
    "--results",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("results"),
    show_default=True,
    envvar="INFOSEG_BENCH_RESULTS",
    show_envvar=True,
    help="Folder of the runs.",
)
plugin_option = click.option(
    "--plugin",
    "plugins",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    help="A Python file with more methods or data set recipes; may be given several times.",
)
