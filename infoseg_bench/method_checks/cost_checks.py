"""Checks of networks that train: precision, and steps that the device need not be waited for."""

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
"""Between the losses at both precisions; bfloat16 has eight significant bits; chosen by this project."""
NO_NETWORK = "is no network that trains"


def mixed_precision(subject: Subject) -> str | None:
    """Compare the first loss at both precisions."""
    if not issubclass(subject.cls.parameters_type, TrainingParameters):
        return NO_NETWORK
    losses = []
    for precision in ("float32", "bfloat16"):
        method = subject.make(precision=precision)
        scalars = next(iter(method.fit(subject.train_images(method)))).scalars
        for name, value in scalars.items():
            require(isinstance(value, torch.Tensor), f"{name} is no tensor")
            require(getattr(value, "dtype", None) == torch.float32, f"{name} is not float32")
        losses.append(float(scalars["loss"]))
        method.before_evaluation(subject.train_images(method))
        require(method.predict(images()).shape == (3, CROP, CROP), "predict gives another size")
    plain, mixed = losses
    require(plain != mixed, "the loss is the same to the bit: the network ignores the precision")
    require(math.isclose(plain, mixed, rel_tol=CLOSE, abs_tol=CLOSE), f"losses {plain:.4f} and {mixed:.4f}")
    return None


def never_waits(subject: Subject) -> str | None:
    """Train on the meta device, which has shapes and no values: whatever needs a value on the host fails."""
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
        require(isinstance(value, torch.Tensor) and value.is_meta, f"{name} has left the device")
    return None


@contextmanager
def _no_autocast() -> Iterator[None]:
    """Autocast knows no meta device."""
    kept = torch.autocast
    torch.autocast = lambda *words, **options: nullcontext()  # type: ignore[assignment,misc]
    try:
        yield
    finally:
        torch.autocast = kept  # type: ignore[misc]
