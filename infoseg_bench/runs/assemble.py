"""From a spec and the prepared data to a run that can be executed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from infoseg_bench.contracts import Method
from infoseg_bench.contracts.method_source import source_hash
from infoseg_bench.data.catalogue import PreparedDataset, find_prepared
from infoseg_bench.data.evaluation_set import EvaluationSet
from infoseg_bench.data.store import StoreArrays, void_mask
from infoseg_bench.data.train_images import TrainImages
from infoseg_bench.errors import UserError
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.records.provenance import now
from infoseg_bench.records.spec import RunSpec
from infoseg_bench.runs.checkpoint import TrainingState, load_checkpoint
from infoseg_bench.runs.execute import Execution
from infoseg_bench.runs.loading import make_method, put_state, task_of
from infoseg_bench.runs.photo_map_files import photo_maps
from infoseg_bench.utils.device import place
from infoseg_bench.utils.distributed import SINGLE, Ranks


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Where and how a run is done; nothing of it is part of what the run is.

    Attributes:
        data: folder of the stores
        device: where to compute
        plugins: files with more methods
        compile: let torch.compile fuse the network
        ranks: the processes that do the run together
        snapshots: images whose predictions are kept along the training
    """

    data: Path
    device: torch.device
    plugins: Sequence[Path] = ()
    compile: bool = False
    ranks: Ranks = SINGLE
    snapshots: int = 0


def find_dataset(spec: RunSpec, data: Path) -> PreparedDataset:
    """Find the store that the spec was planned on.

    Raises:
        UserError: not prepared, or prepared from other content since
    """
    prepared = find_prepared(data, spec.dataset)
    if prepared.store.fingerprint != spec.fingerprint:
        raise UserError(
            f"{prepared.store.path}: its content {prepared.store.fingerprint[:12]} is not the "
            f"{spec.fingerprint[:12]} that this run was planned on: plan it again"
        )
    return prepared


def assemble(
    folder: RunFolder, setting: Setting, *, should_stop: Callable[[], bool]
) -> tuple[Execution, PreparedDataset]:
    """Read the data, make the method, and take both up where a checkpoint left them.

    Raises:
        UserError: data, method or checkpoint do not fit the spec
    """
    began = time.monotonic()
    spec = folder.spec()
    prepared = find_dataset(spec, setting.data)
    method = _method(spec, prepared, setting)
    training = _resume(folder, method) if spec.budget else _begin(folder, method)
    arrays = prepared.store.arrays(labels=True)
    # One copy for both sides: on a GPU the photos are most of what is kept there.
    pixels = place(arrays.pixels, setting.device)
    maps = photo_maps(method, prepared.store, arrays, folder, should_stop)
    execution = Execution(
        folder=folder,
        budget=spec.budget,
        method=method,
        train=train_images(arrays, prepared, method, protocol=spec.protocol, pixels=pixels, maps=maps),
        evaluation_set=EvaluationSet(
            arrays, prepared.view, protocol=spec.protocol, device=setting.device, pixels=pixels
        ),
        n_classes=len(prepared.view.classes) if prepared.view.is_scored else None,
        training=training,
        should_stop=should_stop,
        snapshots=setting.snapshots,
    )
    training.load_seconds += time.monotonic() - began
    return execution, prepared


def assemble_follower(folder: RunFolder, setting: Setting) -> tuple[Method, TrainImages]:
    """Make what a process needs that trains along and neither evaluates nor writes.

    Raises:
        UserError: data, method or checkpoint do not fit the spec
    """
    spec = folder.spec()
    prepared = find_dataset(spec, setting.data)
    method = _method(spec, prepared, setting)
    _resume(folder, method)
    arrays = prepared.store.arrays(labels=method.label_use(method.parameters) is not None)
    maps = photo_maps(method, prepared.store, arrays, folder, lambda: False)
    pixels = place(arrays.pixels, setting.device)
    return method, train_images(arrays, prepared, method, protocol=spec.protocol, pixels=pixels, maps=maps)


def train_images(
    arrays: StoreArrays,
    prepared: PreparedDataset,
    method: Method,
    *,
    protocol: str,
    pixels: Tensor | None = None,
    maps: Mapping[str, np.ndarray],
) -> TrainImages:
    """Return a method what it may see: photos, maps that it asks for, and a mask only if it declares one."""
    mask = None
    if method.label_use(method.parameters) == "mask":
        mask = void_mask(arrays, prepared.view, protocol=protocol)
    return TrainImages(
        arrays,
        prepared.view.train,
        crop=prepared.view.crop,
        seed=method.run.seed,
        device=method.run.device,
        mask=mask,
        maps=maps,
        pixels=pixels,
        ranks=method.run.ranks,
        scored=prepared.view.evaluation if len(prepared.view.evaluation) else None,
    )


def _method(spec: RunSpec, prepared: PreparedDataset, setting: Setting) -> Method:
    return make_method(
        spec, task_of(prepared), device=setting.device, plugins=setting.plugins, compile=setting.compile,
        ranks=setting.ranks,
    )  # fmt: skip


def _begin(folder: RunFolder, method: Method) -> TrainingState:
    # Begun again after a kill before the first checkpoint, it is to end with the same bits.
    torch.set_num_threads(folder.first_threads(torch.get_num_threads()))
    return TrainingState(
        started=now(), method_source=source_hash(type(method)), threads=torch.get_num_threads()
    )


def _resume(folder: RunFolder, method: Method) -> TrainingState:
    found = load_checkpoint(folder)
    if found is None:
        training = _begin(folder, method)
        if folder.has_checkpoint():
            training.note = "its checkpoint was damaged, so it was begun anew"
        return training
    training, state = found
    if training.threads:
        # Sums over other numbers of threads differ in their last bits.
        torch.set_num_threads(training.threads)
    put_state(method, state, folder)
    training.resumed_from.append(training.step)
    return training
