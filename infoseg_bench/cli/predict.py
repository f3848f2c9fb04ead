"""`infoseg-bench predict`: segment your own photos with a trained run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from infoseg_bench.cli.options import (
    POSTPROCESS,
    FiniteRange,
    data_option,
    device_option,
    plugin_option,
    results_option,
    run_option,
)
from infoseg_bench.errors import UserError, printable
from infoseg_bench.utils.text import plural

if TYPE_CHECKING:
    from infoseg_bench.records.spec import Postprocess


@click.command()
@click.argument("photos", nargs=-1, required=True, type=click.Path(path_type=Path))
@run_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("segmented"),
    show_default=True,
    help="Folder to write to.",
)
@click.option(
    "--scale",
    type=FiniteRange(min=0, min_open=True, max=8),
    default=1.0,
    show_default=True,
    help="Scale photos by this factor first, so that objects have the size they had in training; the results "
    "have the photo's size.",
)
@click.option(
    "--postprocess",
    type=POSTPROCESS,
    help="mirror: average the scores of clusters over every tile and its mirror image.  [default: as when "
    "the run was scored]",
)
@click.option("--allow-unfinished", is_flag=True, help="Use the last checkpoint of an unfinished run.")
@device_option
@data_option
@results_option
@plugin_option
def predict(
    photos: tuple[Path, ...],
    run: str,
    out: Path,
    scale: float,
    postprocess: Postprocess | None,
    allow_unfinished: bool,
    device: str,
    data: Path,
    results: Path,
    plugins: tuple[Path, ...],
) -> None:
    """Segment photos, or folders of photos, of any size with a trained run.

    For each photo, a palette PNG of class numbers (NAME-labels.png) and an overlay (NAME-overlay.png) are
    written; legend.png and legend.txt explain the colours. Photos are rotated upright and processed in
    overlapping tiles of the size on which the method was evaluated, so large photos need little memory.

    \b
    infoseg-bench predict --run my-photos--infoseg--seed0 holiday.jpg
    infoseg-bench predict --run results/runs/NAME holiday/ --out holiday-segmented
    """  # noqa: D301 - click reads the escape
    from infoseg_bench.api.models import segment_photos
    from infoseg_bench.utils.progress import show_progress

    found = segment_photos(
        *photos, run=run, out=out, scale=scale, postprocess=postprocess, allow_unfinished=allow_unfinished,
        device=device, results=results, data=data, plugins=plugins, progress=show_progress,
        on_photo=lambda photo, shares: click.echo(f"{printable(photo)}: {shares}"),
        log=lambda line: click.echo(line, err=True),
    )  # fmt: skip
    if found.unfinished:
        click.echo(
            "This run is not finished, so it is not known yet which class each cluster stands for.", err=True
        )
    failed, total = len(found.faults), len(found.photos) + len(found.faults)
    click.echo(f"{plural(len(found.photos), 'photo')} segmented: {out}")
    if failed:
        raise UserError(f"{failed} of {total} photos could not be segmented; see the lines above")
