"""Having the official archives of a data set before it is built: shown, agreed to, downloaded, verified."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from infoseg_bench.errors import UsageError, UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infoseg_bench.contracts import DatasetRecipe
    from infoseg_bench.preparation.download import Download
    from infoseg_bench.utils.progress import ProgressFactory


def obtain_sources(
    recipe: type[DatasetRecipe], data: Path, progress: ProgressFactory, *, unasked: bool
) -> None:
    """Have every archive of a recipe in the downloads, or say which ones people must fetch themselves.

    Args:
        recipe: whose archives
        data: the folder of the prepared data sets
        progress: shows how far the work is
        unasked: download without asking

    Raises:
        UserError: an archive that takes a registration is not there, or one that cannot be had
        UsageError: there is nobody to ask
    """
    from infoseg_bench.preparation.download import check_space, missing, obtain, plan
    from infoseg_bench.preparation.preparation import downloads

    folder = downloads(data)
    by_hand = [source for source in missing(recipe.sources, folder) if source.by_hand]
    if by_hand:
        names = " and ".join(source.name for source in by_hand)
        raise UserError(
            f"{recipe.name} needs {names}: request them at {by_hand[0].address} and put them, zipped or "
            f"unpacked, into {folder}, or name their folder with --source"
        )
    planned = plan(recipe.sources, folder)
    if planned:
        free = check_space(planned, folder, recipe.working_space)
        _show(planned, folder, free, recipe.working_space)
        _agree(unasked)
    sizes = {download.source.name: download.size for download in planned}
    for source in recipe.sources:
        if not (folder / source.unpacked).is_dir() and not source.by_hand:
            obtain(source, folder, progress, size=sizes.get(source.name, source.size), waiting=_say_waiting)


def _show(planned: Sequence[Download], folder: Path, free: int, working_space: int) -> None:
    from infoseg_bench.utils.text import readable_size

    click.echo(f"To download into {folder}, where {readable_size(free)} are free:", err=True)
    for download in planned:
        size = "unknown size" if download.size is None else readable_size(download.size)
        arrived = f", of which {readable_size(download.arrived)} are here" if download.arrived else ""
        click.echo(f"  {download.source.name:<32} {size}{arrived}  {download.source.address}", err=True)
    if working_space:
        click.echo(f"Building takes up to {readable_size(working_space)} more.", err=True)


def _agree(unasked: bool) -> None:
    if unasked:
        return
    if not sys.stdin.isatty():
        raise UsageError(
            "nobody is here to agree to the download: add --yes, or use what you have with --source"
        )
    if not click.confirm("Download?", default=True, err=True):
        raise UserError("not downloaded: use what you have with --source")


def _say_waiting(path: Path) -> None:
    click.echo(f"{path}: another process is downloading or checking it: waiting for it", err=True)
