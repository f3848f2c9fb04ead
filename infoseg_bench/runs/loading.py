"""Create the method of a run, in its initial state or with the state of its checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from infoseg_bench.contracts import Method, RunContext, Task
from infoseg_bench.contracts.registry import load_methods
from infoseg_bench.data.catalogue import PreparedDataset
from infoseg_bench.errors import UsageError, UserError
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.records.spec import RunSpec
from infoseg_bench.runs.checkpoint import trained_state
from infoseg_bench.utils.distributed import SINGLE, Ranks


def task_of(prepared: PreparedDataset) -> Task:
    """Return the facts about a data set that a method may know: name, channels, crop, number of clusters."""
    view = prepared.view
    return Task(
        dataset=view.name, channels=prepared.store.channels, crop=view.crop, clusters=len(view.classes)
    )


def make_method(
    spec: RunSpec,
    task: Task,
    *,
    device: torch.device,
    plugins: Sequence[Path] = (),
    compile: bool = False,
    cuda_graph: bool = False,
    ranks: Ranks = SINGLE,
) -> Method:
    """Return the method of a spec, initialised with the spec's seed.

    Args:
        spec: specification of the run
        task: facts about the data set that the method may know
        device: the device to compute on
        plugins: files with more methods
        compile: whether to compile the network with torch.compile
        cuda_graph: whether to record training steps as CUDA graphs
        ranks: the processes of the run

    Raises:
        UserError: another version of the method is installed
        UsageError: the method is unknown, lacks a parameter, or does not support several processes
    """
    cls = load_methods(plugins).method(spec.method)
    if cls.version != spec.method_version:
        raise UserError(
            f"{spec.method}: the run needs version {spec.method_version} of the method, but version "
            f"{cls.version} is installed: run it again, or use the infoseg-bench version that made the run"
        )
    if ranks.count > 1 and not cls.supports_distributed:
        raise UsageError(f"{cls.name} does not support several processes: leave out --gpus-per-run")
    steps = spec.budget.steps if spec.budget else 0
    context = RunContext(
        seed=spec.seed, device=device, steps=steps, compile=compile, cuda_graph=cuda_graph, ranks=ranks
    )
    parameters = cls.parameters_type.parse(spec.parameters, cls.name)
    cls.check_given(parameters)
    return cls(parameters, task, context)


def load_method(
    folder: RunFolder, task: Task, *, device: torch.device, plugins: Sequence[Path] = ()
) -> Method:
    """Return the method of a run, with the trained state of its checkpoint.

    Raises:
        UserError: there is no checkpoint, it does not fit the run, or another version is installed
    """
    method = make_method(folder.spec(), task, device=device, plugins=plugins)
    # The checkpoint of a finished run omits the state that only training needs.
    put_state(method, {**method.state(), **trained_state(folder)}, folder)
    return method


def put_state(method: Method, state: Mapping[str, Any], folder: RunFolder) -> None:
    """Restore a method's state from the checkpoint of a run.

    Raises:
        UserError: the state belongs to another network
    """
    try:
        method.load_state(dict(state))
    except Exception as error:
        # A method that was edited since may raise anything.
        lines = [line.strip() for line in str(error).splitlines()]
        # The second line of torch's message names the first weight that does not fit.
        reason = lines[1] if len(lines) > 1 else str(error)
        raise UserError(
            f"{folder.checkpoint_file}: made by another network ({reason}): repeat the run with --force"
        ) from None
