"""`infoseg-bench probe`: how much of the classes a run's features contain, measured with labels."""

from __future__ import annotations

from pathlib import Path

import click

from infoseg_bench.cli.options import data_option, device_option, plugin_option, results_option, run_option
from infoseg_bench.inference.probe_settings import STEPS
from infoseg_bench.utils.text import plural


@click.command()
@run_option
@click.option(
    "--steps",
    type=click.IntRange(min=1),
    default=STEPS,
    show_default=True,
    help="Training steps of the probe.",
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of weights and batches."
)
@device_option
@data_option
@results_option
@plugin_option
def probe(
    run: str, steps: int, seed: int, device: str, data: Path, results: Path, plugins: tuple[Path, ...]
) -> None:
    """Train a linear classifier of a finished run's features with labels, and score it.

    The labels are those of training photos that are not scored. The result is no score of unsupervised
    segmentation and is on no leaderboard: it is printed, and saved as probe.json in the run's folder. The
    settings are STEGO's: a 1x1 convolution, Adam at 5e-3, 16 images per step.

    \b
    infoseg-bench probe --run coco-stuff-27--features-kmeans--seed0
    """  # noqa: D301 - click reads the escape
    from infoseg_bench.api.probing import probe as train_and_score
    from infoseg_bench.utils.progress import show_progress

    found = train_and_score(
        run, steps=steps, seed=seed, results=results, data=data, device=device, plugins=plugins,
        progress=show_progress,
    )  # fmt: skip
    scores = found.scores
    click.echo(
        f"linear probe, trained with the labels of {plural(found.trained_on, 'photo')} for {steps} steps: "
        f"PA {100 * scores.pixel_accuracy:.2f} %, mean IoU {100 * scores.mean_iou:.2f} % "
        f"on {plural(found.scored, 'image')}"
    )
    click.echo(f"saved: {found.file}; it used labels, so it is on no leaderboard")
