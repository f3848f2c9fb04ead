"""Models as safetensors files, whose header contains everything needed to recreate the method."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from infoseg_bench.contracts import Task
from infoseg_bench.errors import UserError
from infoseg_bench.inference.model import Model
from infoseg_bench.records.spec import RunSpec
from infoseg_bench.runs.loading import make_method
from infoseg_bench.utils.arguments import paths
from infoseg_bench.utils.atomic import write_bytes
from infoseg_bench.utils.device import choose_device

FORMAT = "infoseg-bench model 1"
SEPARATOR = "/"
"""Separator of the names of nested parts of a state, because torch's names contain dots."""


def save_model(model: Model, spec: RunSpec, path: Path) -> int:
    """Write the weights of a model, without what only training needs, such as the optimiser's state.

    Returns:
        the number of weights in the file

    Raises:
        UserError: the state contains other values than tensors and plain ones, or the file is not writable
    """
    method = model.method
    parts = dict(_flat({k: v for k, v in method.state().items() if k not in method.training_only}))
    tensors = {k: v.detach().cpu().contiguous() for k, v in parts.items() if isinstance(v, torch.Tensor)}
    plain = {name: value for name, value in parts.items() if name not in tensors}
    task = method.task
    header = {
        "spec": spec.model_dump(mode="json"),
        "task": {"channels": task.channels, "crop": task.crop, "clusters": task.clusters},
        "classes": model.classes,
        "palette": model.palette,
        "matching": model.matching,
        "plain": plain,
    }
    try:
        content = save(tensors, {"format": FORMAT, "model": json.dumps(header)})
    except (TypeError, ValueError) as error:
        raise UserError(
            f"{spec.method}: its state cannot be exported ({error}): return only tensors and plain values in "
            "`state`"
        ) from None
    write_bytes(path, content)
    return sum(tensor.numel() for tensor in tensors.values())


def load_model(path: str | Path, *, device: str = "auto", plugins: Sequence[str | Path] = ()) -> Model:
    """Return a model written by `infoseg-bench export`. No code in the file is executed.

    Args:
        path: path of the safetensors file
        device: "auto" or a torch device
        plugins: files with more methods

    Raises:
        UserError: the file is missing, damaged or of another format, or its method is not installed
    """
    header, tensors = _read(Path(path))
    try:
        spec = RunSpec.model_validate(header["spec"])
        task = Task(dataset=spec.dataset, **header["task"])
        method = make_method(spec, task, device=choose_device(device), plugins=paths(plugins))
        method.load_state({**method.state(), **_nested({**header["plain"], **tensors})})
        return Model(
            method=method,
            classes=tuple(header["classes"]),
            palette=tuple((r, g, b) for r, g, b in header["palette"]),
            matching=tuple(header["matching"]),
            postprocess=spec.postprocess,
        )
    except (KeyError, TypeError, ValueError, RuntimeError, ValidationError) as error:
        reason = " ".join(str(error).split())[:120]
        raise UserError(f"{path}: an inconsistent model ({reason}): export it again") from None


def _read(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except FileNotFoundError:
        raise UserError(f"{path}: no such file: infoseg-bench export writes models") from None
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path}: not a readable safetensors file ({error}): export it again") from None
    if metadata.get("format") != FORMAT or "model" not in metadata:
        raise UserError(f"{path}: not a model of this version of infoseg-bench: export it again")
    header: dict[str, Any] = json.loads(metadata["model"])
    return header, tensors


def _flat(state: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in state.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{above}{name}{SEPARATOR}")
        else:
            yield f"{above}{name}", value


def _nested(parts: Mapping[str, Any]) -> dict[str, Any]:
    state: dict[str, Any] = {}
    for path, value in parts.items():
        *above, name = path.split(SEPARATOR)
        place = state
        for step in above:
            place = place.setdefault(step, {})
        place[name] = value
    return state
