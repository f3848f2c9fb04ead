"""`infoseg-bench export`: a trained run's weights, to give away."""

from __future__ import annotations

from pathlib import Path

import click

from infoseg_bench.cli.options import data_option, plugin_option, results_option, run_option
from infoseg_bench.errors import UsageError


@click.command()
@run_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write.  [default: DATASET-METHOD-seedN.safetensors]",
)
@click.option("--licence", default="not stated", show_default=True, help="Of the weights, for the card.")
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
    import torch

    from infoseg_bench.inference.card import model_card
    from infoseg_bench.inference.finding import find_run, load_run
    from infoseg_bench.inference.weights import save_model
    from infoseg_bench.utils.atomic import write_text

    if out is not None and out.suffix != ".safetensors":
        raise UsageError(f"--out {out}: give a name that ends in .safetensors")
    model, record = load_run(find_run(run, results), data=data, device=torch.device("cpu"), plugins=plugins)
    assert record is not None
    spec = record.spec
    path = out or Path(f"{spec.dataset}-{spec.method}-seed{spec.seed}.safetensors")
    weights = save_model(model, spec, path)
    card = model_card(
        record, file=path.name, weights=weights, data_licence=_licence(spec.dataset, data), licence=licence
    )
    write_text(path.with_suffix(".md"), card)
    click.echo(f"{weights:,} numbers, {path.stat().st_size / 2**20:.1f} MiB: {path}")
    click.echo(f"card: {path.with_suffix('.md')}")


def _licence(dataset: str, data: Path) -> str:
    from infoseg_bench.contracts.registry import load_recipes
    from infoseg_bench.data.catalogue import prepared_datasets

    prepared, _ = prepared_datasets(data)
    if dataset in prepared:
        return str(prepared[dataset].store.attributes.get("licence", "not stated"))
    recipe = load_recipes().recipes.get(dataset)
    return recipe.licence if recipe else "not stated"
