"""`infoseg-bench evaluate`: score label maps made by other software."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from infoseg_bench.cli.options import data_option, protocol_option, results_option
from infoseg_bench.errors import UsageError, printable
from infoseg_bench.utils.text import plural

if TYPE_CHECKING:
    from infoseg_bench.api.external import Evaluated, LabelsUsed
    from infoseg_bench.records.record import FinishedRecord
    from infoseg_bench.submissions.counting import ExtraClusters


@click.command()
@click.option("--dataset", required=True, help="A prepared data set.")
@click.option(
    "--predictions",
    type=click.Path(path_type=Path),
    help="Folder of label maps: one PNG or NPY per scored image, with the image's name.",
)
@click.option(
    "--write-images",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write the images to segment into this folder, for use by your software.",
)
@click.option("--name", help="Name of the row on the leaderboard; without it, the scores are only printed.")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Number of the repetition; scores of repetitions with the same name are averaged.",
)
@click.option(
    "--labels-used",
    type=click.Choice(["none", "mask", "selection", "training"]),
    help="Label information that was used to make the maps; without this option the row says 'not declared'.",
)
@click.option(
    "--pretrained",
    metavar='"NAME, trained on WHAT"',
    help="Weights that your method started from; the row is ranked among pre-trained ones.",
)
@click.option(
    "--extra-clusters",
    type=click.Choice(["corrected", "published"]),
    default="corrected",
    show_default=True,
    help="corrected: pixels of clusters without a class are wrong. published: pixels of clusters whose "
    "number is not below the number of classes are dropped, as in STEGO's evaluator; the row says so.",
)
@click.option("--ignore-extra", is_flag=True, help="Ignore files that belong to no scored image.")
@click.option("--force", is_flag=True, help="Replace earlier scores of the same name and seed.")
@protocol_option
@data_option
@results_option
def evaluate(
    dataset: str,
    predictions: Path | None,
    write_images: Path | None,
    name: str | None,
    seed: int,
    labels_used: LabelsUsed | None,
    pretrained: str | None,
    extra_clusters: ExtraClusters,
    ignore_extra: bool,
    force: bool,
    protocol: str,
    data: Path,
    results: Path,
) -> None:
    """Score label maps made by any software, with any number of clusters.

    A label map contains a cluster number for every pixel: a greyscale PNG of 8 or 16 bits, a palette PNG
    (its indices are read) or an NPY array. It covers either the whole stored photo or only its scored
    centre, as written by --write-images. For coco-stuff-27, cityscapes and potsdam-3-rgb, it may also have
    the size of the original photo, and is then scaled and cropped as the labels were. Numbers have the same
    meaning in all images. Clusters are matched to classes one-to-one; if there are more clusters than
    classes, pixels of unmatched clusters are wrong.

    If there are more clusters than classes, the score of STEGO's evaluator is also shown, which drops the
    pixels of extra clusters; --extra-clusters published makes it the score of the row.

    \b
    infoseg-bench evaluate --dataset my-photos --write-images images/
    infoseg-bench evaluate --dataset my-photos --predictions maps/ --name "My method"
    """  # noqa: D301 - click reads the escape
    from infoseg_bench.api import external
    from infoseg_bench.submissions.label_files import find_label_files
    from infoseg_bench.utils.progress import show_progress

    if write_images is not None and predictions is None:
        count = external.write_images(dataset, write_images, data=data, progress=show_progress)
        click.echo(f"{plural(count, 'image')} written to {write_images}")
        return
    if predictions is None or write_images is not None:
        raise UsageError(
            "use either --predictions DIR to score label maps, or --write-images DIR to write the images"
        )
    if predictions.is_dir() and (passed := find_label_files(predictions).left_out_line):
        click.echo(f"left out of {printable(predictions)}: {passed}", err=True)
    scored = external.evaluate(
        predictions, dataset=dataset, name=name, seed=seed, labels_used=labels_used, pretrained=pretrained,
        protocol=protocol, extra_clusters=extra_clusters, ignore_extra=ignore_extra, force=force, data=data,
        results=results, progress=show_progress,
        on_scores=lambda found: _show(found, protocol, extra_clusters),
    )  # fmt: skip
    if scored.record is None:
        for warning in scored.warnings:
            click.echo(f"warning: {warning}", err=True)
        click.echo("not saved: pass --name to put it on the leaderboard")
    else:
        _show_kept(scored.record, results)


def _show(scored: Evaluated, protocol: str, extra_clusters: ExtraClusters) -> None:
    from infoseg_bench.scoring.dropped import as_in_stego

    images, _, classes = scored.counts.shape
    clusters, scores = int(scored.counts.any(axis=(0, 2)).sum()), scored.scores
    click.echo(
        f"{plural(images, 'image')}, {plural(clusters, 'cluster')}, {classes} classes, protocol {protocol!r}"
    )
    dropped = ", extra clusters dropped" if extra_clusters == "published" else ""
    click.echo(f"PA {100 * scores.one_to_one.pixel_accuracy:.2f} % (one-to-one{dropped}: the headline)")
    click.echo(f"PA {100 * scores.majority.pixel_accuracy:.2f} % (majority vote, many-to-one)")
    stego = as_in_stego(scored.counts.sum(axis=0)) if extra_clusters == "corrected" else None
    if stego is not None:
        click.echo(
            f"PA {100 * stego.pixel_accuracy:.2f} % (one-to-one, as in STEGO's evaluator, which drops "
            f"{100 * stego.dropped:.1f} % of the pixels: those of clusters {classes} and above)"
        )
    click.echo(
        f"mean IoU {100 * scores.one_to_one.mean_iou:.2f} %, mean class accuracy "
        f"{100 * scores.one_to_one.mean_class_accuracy:.2f} %"
    )


def _show_kept(record: FinishedRecord, results: Path) -> None:
    for warning in record.warnings:
        click.echo(f"warning: {warning}", err=True)
    click.echo(
        f"saved: {results / 'runs' / record.spec.folder}; infoseg-bench report puts it on the leaderboard"
    )
