"""Checks of methods that train a network: mixed precision, and steps without synchronisation."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch

from infoseg_bench.data.train_images import TrainBatch
from infoseg_bench.method_checks.check import require
from infoseg_bench.method_checks.check_photos import CROP
from infoseg_bench.method_checks.subject import Subject, images
from infoseg_bench.training.network_method import NetworkMethod, TrainingParameters

CLOSE = 0.02
"""Maximum difference of the losses at both precisions, relative or absolute; chosen by this project, because
bfloat16 has eight significant bits."""
NO_NETWORK = "it does not train a network"


def mixed_precision(subject: Subject) -> str | None:
    """Check that the first loss is nearly the same in float32 and bfloat16."""
    if not issubclass(subject.cls.parameters_type, TrainingParameters):
        return NO_NETWORK
    losses = []
    for precision in ("float32", "bfloat16"):
        method = subject.make(precision=precision)
        scalars = next(iter(method.fit(subject.train_images(method)))).scalars
        for name, value in scalars.items():
            require(isinstance(value, torch.Tensor), f"{name} is not a tensor")
            require(getattr(value, "dtype", None) == torch.float32, f"{name} is not float32")
        losses.append(float(scalars["loss"]))
        method.before_evaluation(subject.train_images(method))
        shape = tuple(method.predict(images()).shape)
        require(shape == (3, CROP, CROP), f"predict returns shape {shape}")
    plain, mixed = losses
    require(plain != mixed, "the losses are identical: the network ignores the precision")
    close = math.isclose(plain, mixed, rel_tol=CLOSE, abs_tol=CLOSE)
    require(close, f"the losses are {plain:.4f} in float32 and {mixed:.4f} in bfloat16")
    return None


def never_waits(subject: Subject) -> str | None:
    """Check a training step on the meta device, whose tensors have no values, so that synchronising fails."""
    if not issubclass(subject.cls, NetworkMethod):
        return NO_NETWORK
    meta = torch.device("meta")
    with _no_autocast():
        method = subject.make(device=meta)
        assert isinstance(method, NetworkMethod)
        pixels = torch.rand(method.parameters.batch, 3, CROP, CROP, device=meta)
        inside = torch.ones_like(pixels[:, 0], dtype=torch.bool)
        maps = {wanted.name: inside.long() for wanted in method.photo_maps(method.parameters)}
        scalars = method._train_step(TrainBatch(images=pixels, inside=inside, mask=None, maps=maps))
    for name, value in scalars.items():
        require(isinstance(value, torch.Tensor) and value.is_meta, f"{name} is not on the device")
    return None


@contextmanager
def _no_autocast() -> Iterator[None]:
    """Disable autocast, which does not support the meta device."""
    kept = torch.autocast
    torch.autocast = lambda *arguments, **options: nullcontext()  # type: ignore[assignment,misc]
    try:
        yield
    finally:
        torch.autocast = kept  # type: ignore[misc]
