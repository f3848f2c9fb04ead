"""Linear probes of finished runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np

from infoseg_bench.errors import UsageError
from infoseg_bench.inference.finding import find_run, load_run
from infoseg_bench.inference.linear_probe import probe_counts, probe_sets, train_probe
from infoseg_bench.inference.probe_settings import BATCH, LEARNING_RATE, STEPS
from infoseg_bench.runs.assemble import find_dataset
from infoseg_bench.scoring.matching import Matching
from infoseg_bench.scoring.scores import Scores, score
from infoseg_bench.utils.atomic import write_text
from infoseg_bench.utils.device import choose_device
from infoseg_bench.utils.progress import ProgressFactory, no_progress


@dataclass(frozen=True, kw_only=True, eq=False)
class Probed:
    """The result of a linear probe, which was trained with labels: no score of unsupervised segmentation.

    Attributes:
        scores: pixel accuracy, IoU and so on of the probe's predictions
        counts: pixels per predicted class and class of all scored images, int64 `predicted cls`
        trained_on: number of photos whose labels it was trained on
        scored: number of scored images
        file: file with the result, in the run's folder
    """

    scores: Scores
    counts: np.ndarray
    trained_on: int
    scored: int
    file: Path


def probe(
    run: str | PathLike[str],
    *,
    steps: int = STEPS,
    seed: int = 0,
    results: str | PathLike[str] = "results",
    data: str | PathLike[str] = "data",
    device: str = "auto",
    plugins: Sequence[str | PathLike[str]] = (),
    progress: ProgressFactory = no_progress,
) -> Probed:
    """Train a linear classifier of a finished run's features with the labels of its training photos.

    Args:
        run: a run folder, or the beginning of a run's identity or name
        steps: training steps
        seed: seed of initial weights and batches
        results: folder of the runs
        data: folder of the prepared data sets
        device: "auto" or a torch device
        plugins: files with more methods
        progress: shows the steps

    Raises:
        UserError: no such finished run, its method gives no features, or there are no labels to train on
    """
    if steps < 1:
        raise UsageError(f"--steps {steps}: a probe needs at least one step")
    folder, chosen = find_run(str(run), Path(results)), choose_device(device)
    model, _ = load_run(folder, data=Path(data), device=chosen, plugins=[Path(file) for file in plugins])
    spec, classes = folder.spec(), len(model.classes)
    train, scored = probe_sets(find_dataset(spec, Path(data)), protocol=spec.protocol, device=chosen)
    trained = train_probe(model.method, train, classes=classes, steps=steps, seed=seed, progress=progress)
    counts = probe_counts(model.method, trained, scored, classes=classes).sum(axis=0)
    scores = score(counts, Matching(kind="one-to-one", classes=np.arange(classes)))
    file = folder.path / "probe.json"
    content = {
        "probe": "linear, trained with labels", "identity": spec.identity, "steps": steps, "batch": BATCH,
        "learning_rate": LEARNING_RATE, "seed": seed, "training_photos": len(train),
        "scored_images": len(scored), "classes": model.classes, "pixel_accuracy": scores.pixel_accuracy,
        "mean_iou": scores.mean_iou, "counts": counts.tolist(),
    }  # fmt: skip
    write_text(file, json.dumps(content, indent=2) + "\n")
    return Probed(scores=scores, counts=counts, trained_on=len(train), scored=len(scored), file=file)
