"""The question whether to download official archives."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from infoseg_bench.errors import UsageError, UserError

if TYPE_CHECKING:
    from infoseg_bench.api.preparing import NeededDownloads


def confirm_download(needed: NeededDownloads, *, unasked: bool) -> None:
    """Show what has to be downloaded, and ask for permission.

    Args:
        needed: the archives
        unasked: whether to download without asking

    Raises:
        UsageError: standard input is not a terminal, so the question cannot be asked
        UserError: the user declined
    """
    _show(needed)
    if unasked:
        return
    if not sys.stdin.isatty():
        raise UsageError(
            "Cannot ask for confirmation: standard input is not a terminal. Pass --yes, or --source DIR."
        )
    if not click.confirm("Download?", default=True, err=True):
        raise UserError("Not downloaded. To use files that you already have, pass --source DIR.")


def _show(needed: NeededDownloads) -> None:
    from infoseg_bench.utils.text import readable_size

    click.echo(f"To download into {needed.folder}, where {readable_size(needed.free)} are free:", err=True)
    for download in needed.archives:
        size = "unknown size" if download.size is None else readable_size(download.size)
        arrived = f", {readable_size(download.arrived)} already downloaded" if download.arrived else ""
        click.echo(f"  {download.source.name:<32} {size}{arrived}  {download.source.address}", err=True)
    if needed.working_space:
        click.echo(f"Building takes up to {readable_size(needed.working_space)} more.", err=True)
