"""Label maps of other software: the images to segment, and the scores of the result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Literal

import numpy as np

from infoseg_bench.data.catalogue import find_prepared, prepared_datasets
from infoseg_bench.records.evaluation import evaluation
from infoseg_bench.records.record import Evaluation, FinishedRecord
from infoseg_bench.submissions.counting import ExtraClusters, count_folder
from infoseg_bench.submissions.images import write_images as write_scored_images
from infoseg_bench.submissions.naming import check_name
from infoseg_bench.submissions.scoring import ExternalRow, write_row
from infoseg_bench.utils.arguments import whole
from infoseg_bench.utils.progress import ProgressFactory, no_progress

PathLikes = str | PathLike[str]
LabelsUsed = Literal["none", "mask", "selection", "training"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Evaluated:
    """The scores of label maps.

    Attributes:
        scores: all scores
        counts: pixels per image, cluster and class, int64 `image cluster cls`
        record: the saved record, which is a row of the leaderboard; None if nothing was saved
        warnings: what is suspicious about the label maps, one line each
    """

    scores: Evaluation
    counts: np.ndarray
    record: FinishedRecord | None = None
    warnings: tuple[str, ...] = ()


def write_images(
    dataset: str, out: PathLikes, *, data: PathLikes = "data", progress: ProgressFactory = no_progress
) -> int:
    """Write the scored images of a data set into a folder, for other software to segment.

    Args:
        dataset: name of a prepared data set
        out: folder to write to
        data: folder of the prepared data sets
        progress: shows how many images have been written

    Returns:
        the number of images written

    Raises:
        UserError: the data set is not prepared, or `out` cannot be written
    """
    return write_scored_images(find_prepared(Path(data), dataset), Path(out), progress)


def evaluate(
    predictions: PathLikes,
    *,
    dataset: str,
    name: str | None = None,
    seed: int = 0,
    labels_used: LabelsUsed | None = None,
    pretrained: str | None = None,
    protocol: str = "corrected",
    extra_clusters: ExtraClusters = "corrected",
    ignore_extra: bool = False,
    force: bool = False,
    data: PathLikes = "data",
    results: PathLikes = "results",
    progress: ProgressFactory = no_progress,
    on_scores: Callable[[Evaluated], None] = lambda scored: None,
) -> Evaluated:
    """Score label maps made by any software, with any number of clusters.

    Args:
        predictions: folder of label maps, one PNG or NPY for each scored image, named after its id: of the
            stored photo, of its scored centre, or of the original photo where its shorter side is scaled
        dataset: name of a prepared data set
        name: name of the row on the leaderboard; None: the scores are not saved
        seed: number of the repetition; repetitions of one name are averaged
        labels_used: label information that was used to make the maps; None: not declared
        pretrained: weights that the method started from, as "NAME, trained on WHAT"; None: from scratch
        protocol: label protocol of the data set
        extra_clusters: "corrected": pixels of clusters that are matched to no class are wrong; "published":
            pixels of clusters whose numbers are not below the number of classes are dropped, as in STEGO's
            evaluator, and the row says so
        ignore_extra: whether to ignore files that belong to no scored image
        force: whether to replace earlier scores of this name and seed
        data: folder of the prepared data sets
        results: folder of the runs, in which the row is saved
        progress: shows how many maps have been counted
        on_scores: called with the scores before they are saved

    Returns:
        the scores, and the record if they were saved

    Raises:
        UserError: maps are missing, damaged or of another size; or other maps were scored under this name
    """
    row = ExternalRow(
        name=check_name(name) if name is not None else "", seed=whole("seed", seed), labels_used=labels_used,
        pretrained=pretrained, extra_clusters=extra_clusters,
    )  # fmt: skip
    prepared = find_prepared(Path(data), dataset)
    counted = count_folder(
        Path(predictions), prepared, prepared_datasets(Path(data))[0],
        protocol=protocol, extra_clusters=extra_clusters, ignore_extra=ignore_extra, progress=progress,
    )  # fmt: skip
    counts, warnings = counted.counts, tuple(counted.warnings)
    scores = evaluation(counted.scored, step=0, selection="last")
    scored = Evaluated(scores=scores, counts=counts, warnings=warnings)
    on_scores(scored)
    if name is None:
        return scored
    record = write_row(row, Path(results), prepared, counted, protocol=protocol, force=force)
    return Evaluated(scores=scored.scores, counts=counts, record=record, warnings=warnings)
