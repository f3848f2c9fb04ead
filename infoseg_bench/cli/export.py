"""`infoseg-bench export`: write the weights of a run to a file that can be shared."""

from __future__ import annotations

from pathlib import Path

import click

from infoseg_bench.cli.options import data_option, plugin_option, results_option, run_option


@click.command()
@run_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write.  [default: DATASET-METHOD-seedN.safetensors]",
)
@click.option(
    "--licence", default="not stated", show_default=True, help="Licence of the weights, for the model card."
)
@data_option
@results_option
@plugin_option
def export(
    run: str, out: Path | None, licence: str, data: Path, results: Path, plugins: tuple[Path, ...]
) -> None:
    """Write a finished run's weights as safetensors, with a model card beside them.

    \b
    In Python:
      from infoseg_bench import load_model
      model = load_model("my-photos-infoseg-seed0.safetensors")
      labels = model.predict("photo.jpg")
    """  # noqa: D301 - click reads the escape
    from infoseg_bench.api.models import export as export_model

    exported = export_model(run, out, licence=licence, results=results, data=data, plugins=plugins)
    size = exported.file.stat().st_size / 2**20
    click.echo(f"{exported.weights:,} weights, {size:.1f} MiB: {exported.file}")
    click.echo(f"card: {exported.card}")
    if exported.note:
        click.echo(f"note: {exported.note}", err=True)
