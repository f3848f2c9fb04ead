"""Find a run by id, name or folder, and load its trained method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from infoseg_bench.contracts import Method, Task
from infoseg_bench.data.catalogue import find_prepared
from infoseg_bench.data.view import cluster_names
from infoseg_bench.errors import UsageError, UserError, first_few
from infoseg_bench.images.palette import default_palette
from infoseg_bench.inference.model import Model
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.records.record import DatasetFacts, FinishedRecord, UnscoredRecord
from infoseg_bench.runs.checkpoint import peek_training_state
from infoseg_bench.runs.loading import load_method, task_of

Completed = FinishedRecord | UnscoredRecord


def find_run(run: str, results: Path) -> RunFolder:
    """Return a run, given its folder, or the beginning of its identity or folder name in `results`.

    Raises:
        UsageError: no run matches, or several do
    """
    if RunFolder(Path(run)).exists():
        return RunFolder(Path(run))
    folders = [path for path in sorted((results / "runs").glob("*")) if RunFolder(path).exists()]
    found = [path for path in folders if run and _means(run, path.name)]
    if len(found) == 1:
        return RunFolder(found[0])
    if not found:
        raise UsageError(
            f"--run {run}: neither a run folder nor the beginning of a run's id in {results}: "
            "infoseg-bench status shows the runs, and --results DIR selects another folder"
        )
    names = first_few([path.name for path in found])
    raise UsageError(f"--run {run}: {len(found)} runs match ({names}): use more characters")


def load_run(
    folder: RunFolder,
    *,
    data: Path,
    device: torch.device,
    plugins: Sequence[Path] = (),
    allow_unfinished: bool = False,
) -> tuple[Model, Completed | None]:
    """Return a run's trained model, and its record if it is finished.

    Without scores, the clusters are not matched to classes, so the clusters themselves are the classes.

    Args:
        folder: folder of the run
        data: folder of the prepared data sets; only needed for an unfinished run
        device: device to compute on
        plugins: files with more methods
        allow_unfinished: whether to use the latest checkpoint of a run that is not finished

    Raises:
        UserError: the run is not finished, has no weights, or its weights do not fit
    """
    record = folder.completed_record()
    if record is None and not allow_unfinished:
        raise UserError(f"{folder.path}: {_unfinished(folder)}")
    if folder.spec().external:
        raise UserError(f"{folder.path}: made by other software, so it has no model: choose another run")
    method = load_method(folder, _task(folder, record, data), device=device, plugins=plugins)
    return replace(_model(method, record), postprocess=folder.spec().postprocess), record


def _means(run: str, name: str) -> bool:
    return name.startswith(run) or name.rpartition("--")[2].startswith(run)


def _unfinished(folder: RunFolder) -> str:
    state, training = folder.state(), peek_training_state(folder)
    spec = folder.spec()
    steps = f" at step {training.step} of {spec.budget.steps}" if training and spec.budget else ""
    remedy = "or use its last checkpoint with --allow-unfinished" if training else "it has no weights yet"
    return f"this run is not finished ({state}{steps}): finish it with infoseg-bench run; {remedy}"


def _task(folder: RunFolder, record: Completed | None, data: Path) -> Task:
    dataset = folder.spec().dataset
    if record is None:
        return task_of(find_prepared(data, dataset))
    facts = record.dataset
    clusters = len(facts.classes) if isinstance(facts, DatasetFacts) else facts.clusters
    return Task(dataset=dataset, channels=facts.channels or 3, crop=facts.crop, clusters=clusters)


def _model(method: Method, record: Completed | None) -> Model:
    if isinstance(record, FinishedRecord):
        return Model(
            method=method,
            classes=tuple(record.dataset.classes),
            palette=tuple(record.dataset.palette),
            matching=tuple(record.last.one_to_one.matching),
        )
    clusters = method.task.clusters
    return Model(
        method=method,
        classes=cluster_names(clusters),
        palette=default_palette(clusters),
        matching=tuple(range(clusters)),
    )
