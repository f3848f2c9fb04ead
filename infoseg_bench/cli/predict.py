"""`infoseg-bench predict`: segment a person's own photos with a trained run."""

from __future__ import annotations

from pathlib import Path

import click

from infoseg_bench.cli.options import data_option, device_option, plugin_option, results_option, run_option
from infoseg_bench.errors import UserError, printable


@click.command()
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path))
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
    type=click.FloatRange(min=0, min_open=True, max=8),
    default=1.0,
    show_default=True,
    help="Scale photos by it first, to the size that things had in training; results keep the photo's size.",
)
@click.option("--allow-unfinished", is_flag=True, help="Take the last checkpoint of an unfinished run.")
@device_option
@data_option
@results_option
@plugin_option
def predict(
    images: tuple[Path, ...],
    run: str,
    out: Path,
    scale: float,
    allow_unfinished: bool,
    device: str,
    data: Path,
    results: Path,
    plugins: tuple[Path, ...],
) -> None:
    """Segment photos, or folders of photos, of any size with a trained run.

    Every photo gets a palette PNG of class numbers (NAME-labels.png) and an overlay (NAME-overlay.png);
    legend.png and legend.txt name the colours. Photos are turned upright and cut into overlapping tiles
    of the size that the method was evaluated on, so memory stays bounded.

    \b
    infoseg-bench predict --run 92f766dbcb400909 holiday.jpg
    infoseg-bench predict --run results/runs/NAME holiday/ --out holiday-segmented
    """  # noqa: D301 - click reads the escape
    from infoseg_bench.inference.drawing import write_legend
    from infoseg_bench.inference.finding import find_run, load_run
    from infoseg_bench.inference.segmenting import chosen_photos, segment_file
    from infoseg_bench.utils.device import choose_device
    from infoseg_bench.utils.progress import show_progress

    chosen = chosen_photos(images, out)
    model, record = load_run(
        find_run(run, results), data=data, device=choose_device(device), plugins=plugins,
        allow_unfinished=allow_unfinished,
    )  # fmt: skip
    if record is None:
        click.echo("unfinished run: nobody knows yet which class a cluster stands for", err=True)
    for folder, line in chosen.left_out.items():
        click.echo(f"left out of {printable(folder)}: {line}", err=True)
    for fault in chosen.faults:
        click.echo(f"left out: {fault}", err=True)
    warning = write_legend(out, model.classes, model.palette)
    if warning:
        click.echo(f"warning: {warning}", err=True)
    failed = len(chosen.faults)
    for name, photo in show_progress(list(chosen.photos.items()), "segmenting"):
        try:
            click.echo(f"{printable(photo)}: {segment_file(model, photo, out, name, scale=scale)}")
        except UserError as error:
            click.echo(f"left out: {error}", err=True)
            failed += 1
    photos = len(chosen.photos) + len(chosen.faults)
    click.echo(f"{photos - failed} photos segmented: {out}")
    if failed:
        raise UserError(f"{failed} of {photos} photos could not be segmented: they are named above")
