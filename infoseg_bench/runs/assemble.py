"""Assemble an executable run from its spec and the prepared data."""

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
    """Where and how a run is executed; none of this is part of the run's identity.

    Attributes:
        data: folder of the prepared data sets
        device: the device to compute on
        plugins: files with more methods
        compile: whether to compile the network with torch.compile
        cuda_graph: whether to record training steps as CUDA graphs
        ranks: the processes of the run
        snapshots: number of images whose predictions are kept at every evaluation
    """

    data: Path
    device: torch.device
    plugins: Sequence[Path] = ()
    compile: bool = False
    cuda_graph: bool = False
    ranks: Ranks = SINGLE
    snapshots: int = 0


def find_dataset(spec: RunSpec, data: Path) -> PreparedDataset:
    """Return the data set of a spec.

    Raises:
        UserError: it is not prepared, or its content has changed since the run was planned
    """
    prepared = find_prepared(data, spec.dataset)
    if prepared.store.fingerprint != spec.fingerprint:
        raise UserError(
            f"{prepared.store.path}: its fingerprint is {prepared.store.fingerprint[:12]}, but this run was "
            f"planned for {spec.fingerprint[:12]}: plan it again"
        )
    return prepared


def assemble(
    folder: RunFolder, setting: Setting, *, should_stop: Callable[[], bool]
) -> tuple[Execution, PreparedDataset]:
    """Read the data, create the method, and restore its state if there is a checkpoint.

    Returns:
        the run, ready to execute, and its data set

    Raises:
        UserError: data, method or checkpoint do not fit the spec
    """
    began = time.monotonic()
    spec = folder.spec()
    prepared = find_dataset(spec, setting.data)
    method = _method(spec, prepared, setting)
    training = _resume(folder, method) if spec.budget else _begin(folder, method)
    arrays = prepared.store.arrays(labels=True)
    # Training and evaluation share one copy, because the photos take most of a GPU's memory.
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
        postprocess=spec.postprocess,
    )
    training.load_seconds += time.monotonic() - began
    return execution, prepared


def assemble_follower(folder: RunFolder, setting: Setting) -> tuple[Method, TrainImages]:
    """Return method and training images for a process of a higher rank, which only trains.

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
    """Return what a method may see: photos, the photo maps it requests, and the mask if it declares it.

    Args:
        arrays: the store's arrays, with labels, from which only the mask is computed
        prepared: the data set; only its training photos can be sampled
        method: the method, which declares whether it uses the mask
        protocol: decides which labels are void
        pixels: `arrays.pixels` if they are on the device already
        maps: photo maps by name

    Raises:
        UserError: the data set has no training photos
    """
    if not len(prepared.view.train):
        raise UserError(f"{prepared.view.name}: no photos to train on: prepare it again without --train none")
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
        cuda_graph=setting.cuda_graph, ranks=setting.ranks,
    )  # fmt: skip


def _begin(folder: RunFolder, method: Method) -> TrainingState:
    # A run killed before its first checkpoint starts again with the same threads, for identical results.
    torch.set_num_threads(folder.first_threads(torch.get_num_threads()))
    return TrainingState(
        started=now(), method_source=source_hash(type(method)), threads=torch.get_num_threads()
    )


def _resume(folder: RunFolder, method: Method) -> TrainingState:
    found = load_checkpoint(folder)
    if found is None:
        training = _begin(folder, method)
        if folder.has_checkpoint():
            training.note = "the checkpoint was damaged, so the run was started again from the beginning"
        return training
    training, state = found
    if training.threads:
        # With another number of threads, sums would differ in their last bits.
        torch.set_num_threads(training.threads)
    # A finished run drops what only training needs, so that its checkpoint cannot be trained further.
    absent = method.training_only - state.keys()
    dropped = {name: part for name, part in method.state().items() if name in absent}
    put_state(method, {**dropped, **state}, folder)
    if dropped:
        spec = folder.spec()
        raise UserError(
            f"{folder.checkpoint_file}: the weights of a finished run, but record.json is gone: put it "
            f"back, or repeat this run alone with --force, with --dataset {spec.dataset}, --method "
            f"{spec.method} and --seeds {spec.seed}"
        )
    training.resumed_from.append(training.step)
    return training
