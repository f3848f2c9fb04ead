"""From a spec and the prepared data to a run that can be executed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from infoseg_bench.contracts import Method, RunContext, Task
from infoseg_bench.data.catalogue import PreparedDataset, prepared_datasets
from infoseg_bench.data.evaluation_set import EvaluationSet
from infoseg_bench.data.mask import void_mask
from infoseg_bench.data.store import StoreArrays
from infoseg_bench.data.train_images import TrainImages
from infoseg_bench.errors import UserError, unknown_name
from infoseg_bench.registry import load_methods
from infoseg_bench.runs.checkpoint import Session, load_checkpoint
from infoseg_bench.runs.execute import Execution
from infoseg_bench.runs.folder import RunFolder
from infoseg_bench.runs.photo_maps import photo_maps
from infoseg_bench.runs.provenance import now
from infoseg_bench.runs.spec import RunSpec


def find_dataset(spec: RunSpec, data: Path) -> PreparedDataset:
    """Find the store that the spec was planned on.

    Raises:
        UserError: not prepared, or prepared from other content since
    """
    found, _ = prepared_datasets(data)
    if spec.dataset not in found:
        raise unknown_name(f"data set in {data}", spec.dataset, found, "infoseg-bench prepare builds them")
    prepared = found[spec.dataset]
    if prepared.store.fingerprint != spec.fingerprint:
        raise UserError(
            f"{prepared.store.path}: its content {prepared.store.fingerprint[:12]} is not the "
            f"{spec.fingerprint[:12]} that this run was planned on: plan it again"
        )
    return prepared


def make_method(
    spec: RunSpec, *, channels: int, crop: int, clusters: int, device: torch.device, plugins: Sequence[Path]
) -> Method:
    """Make the method of a spec, its random start drawn from the seed."""
    cls = load_methods(plugins).method(spec.method)
    task = Task(dataset=spec.dataset, channels=channels, crop=crop, clusters=clusters)
    steps = spec.budget.steps if spec.budget else 0
    context = RunContext(seed=spec.seed, device=device, steps=steps)
    return cls(cls.parameters_type.parse(spec.parameters, cls.name), task, context)


def assemble(
    folder: RunFolder,
    *,
    data: Path,
    device: torch.device,
    plugins: Sequence[Path],
    should_stop: Callable[[], bool],
) -> tuple[Execution, PreparedDataset]:
    """Read the data, make the method, and take both up where a checkpoint left them.

    Raises:
        UserError: data, method or checkpoint do not fit the spec
    """
    began = time.monotonic()
    spec = folder.spec()
    prepared = find_dataset(spec, data)
    view, store = prepared.view, prepared.store
    method = make_method(
        spec,
        channels=store.channels,
        crop=view.crop,
        clusters=len(view.classes),
        device=device,
        plugins=plugins,
    )
    session = _resume(folder, method) if spec.budget else Session(started=now())
    arrays = store.arrays(labels=True)
    execution = Execution(
        folder=folder,
        budget=spec.budget,
        method=method,
        train=_train_images(
            arrays, prepared, spec, method, photo_maps(method, store, arrays, folder, should_stop)
        ),
        evaluation_set=EvaluationSet(arrays, view, protocol=spec.protocol, device=device),
        n_classes=len(view.classes),
        session=session,
        should_stop=should_stop,
    )
    session.load_seconds += time.monotonic() - began
    return execution, prepared


def _train_images(
    arrays: StoreArrays,
    prepared: PreparedDataset,
    spec: RunSpec,
    method: Method,
    maps: Mapping[str, np.ndarray],
) -> TrainImages:
    mask = None
    if method.label_use(method.parameters) == "mask":
        mask = void_mask(arrays, prepared.view, protocol=spec.protocol)
    return TrainImages(
        arrays,
        prepared.view.train,
        crop=prepared.view.crop,
        seed=spec.seed,
        device=method.run.device,
        mask=mask,
        maps=maps,
    )


def _resume(folder: RunFolder, method: Method) -> Session:
    found = load_checkpoint(folder)
    if found is None:
        return Session(started=now())
    session, state = found
    try:
        method.load_state(state)
    except (RuntimeError, KeyError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"{folder.checkpoint_file}: of another network ({reason}): repeat the run with --force"
        ) from None
    session.resumed_from.append(session.step)
    return session
