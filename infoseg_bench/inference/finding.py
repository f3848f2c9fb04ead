"""Finds the run that a user names, and loads its trained method."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from infoseg_bench.contracts import Method, Task
from infoseg_bench.contracts.registry import load_methods
from infoseg_bench.data.catalogue import find_prepared
from infoseg_bench.data.view import cluster_names
from infoseg_bench.errors import UsageError, UserError, first_few
from infoseg_bench.images.palette import default_palette
from infoseg_bench.inference.model import Model, make_trained
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.records.record import DatasetFacts, FinishedRecord, UnscoredRecord
from infoseg_bench.runs.assemble import task_of
from infoseg_bench.runs.checkpoint import peek_training_state, trained_state


def find_run(run: str, results: Path) -> RunFolder:
    """Find a run by its folder, or by the beginning of its identity or of its folder's name in `results`.

    Raises:
        UsageError: no run matches, or several do
    """
    if (Path(run) / "spec.json").is_file():
        return RunFolder(Path(run))
    folders = [path.parent for path in sorted((results / "runs").glob("*/spec.json"))]
    found = [path for path in folders if run and _means(run, path.name)]
    if len(found) == 1:
        return RunFolder(found[0])
    if not found:
        raise UsageError(
            f"--run {run}: neither a run folder nor the beginning of an identity in {results}: "
            "infoseg-bench status shows the runs, --results names another folder"
        )
    names = first_few([path.name for path in found])
    raise UsageError(f"--run {run}: {len(found)} runs match ({names}): give more characters")


def load_run(
    folder: RunFolder,
    *,
    data: Path,
    device: torch.device,
    plugins: Sequence[Path] = (),
    allow_unfinished: bool = False,
) -> tuple[Model, FinishedRecord | UnscoredRecord | None]:
    """Load a run's trained method, and its record if it is finished.

    Without scores, it is unknown which class a cluster stands for, so the clusters themselves are the
    classes.

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
    model = _model(folder, record, data, device, plugins)
    _load_weights(folder, model.method)
    return model, record


def _means(run: str, name: str) -> bool:
    return name.startswith(run) or name.rpartition("--")[2].startswith(run)


def _unfinished(folder: RunFolder) -> str:
    state, training = folder.state(), peek_training_state(folder)
    spec = folder.spec()
    steps = f" at step {training.step} of {spec.budget.steps}" if training and spec.budget else ""
    remedy = "or take its last checkpoint with --allow-unfinished" if training else "which has no weights yet"
    return f"this run is not finished ({state}{steps}): infoseg-bench run finishes it, {remedy}"


def _model(
    folder: RunFolder,
    record: FinishedRecord | UnscoredRecord | None,
    data: Path,
    device: torch.device,
    plugins: Sequence[Path],
) -> Model:
    spec, registry = folder.spec(), load_methods(plugins)
    if spec.external:
        raise UserError(f"{folder.path}: its label maps were made by other software: there is no model")
    if record is None:
        task = task_of(find_prepared(data, spec.dataset))
    else:
        facts = record.dataset
        clusters = len(facts.classes) if isinstance(facts, DatasetFacts) else facts.clusters
        task = Task(dataset=spec.dataset, channels=facts.channels or 3, crop=facts.crop, clusters=clusters)
    method = make_trained(spec, task, device, registry)
    if isinstance(record, FinishedRecord):
        return Model(
            method=method,
            classes=tuple(record.dataset.classes),
            palette=tuple(record.dataset.palette),
            matching=tuple(record.last.one_to_one.matching),
        )
    return Model(
        method=method,
        classes=cluster_names(task.clusters),
        palette=default_palette(task.clusters),
        matching=tuple(range(task.clusters)),
    )


def _load_weights(folder: RunFolder, method: Method) -> None:
    state = trained_state(folder)
    try:
        method.load_state({**method.state(), **state})
    except (RuntimeError, KeyError, ValueError) as error:
        reason = " ".join(str(error).split())[:120]
        raise UserError(
            f"{folder.checkpoint_file}: of another network ({reason}): repeat the run with --force"
        ) from None
