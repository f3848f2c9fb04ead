"""Files of weights: found again by their content, and made into a network. Nothing is ever downloaded."""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from platformdirs import user_cache_path
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from infoseg_bench.baselines.features.backbone import Backbone
from infoseg_bench.baselines.features.resnet import ResNet
from infoseg_bench.baselines.features.vision_transformer import VisionTransformer, sizes_of
from infoseg_bench.errors import UsageError, UserError, reason
from infoseg_bench.utils.disk import disk_error

PREFIX, DIGITS = "sha256:", 16
"""Weights are named by this prefix and the first digits of the SHA-256 of their file; as many as of a run."""
CONTAINERS = ("model", "state_dict")
"""Keys under which some files keep the weights, such as DeiT's (model) and torchvision's checkpoints."""
OTHER_NAMES = {"reg_token": "register_tokens"}
"""timm's names of weights, and the names of the released code."""


def remember(file: Path) -> str:
    """Return the name of a file's content, and remember where the file is.

    Runs know weights by this name alone, so that they do not depend on paths. A link in the user's cache
    folder leads from it to the file.

    Raises:
        UsageError: there is no such file
        UserError: the cache folder cannot be written
    """
    if not file.is_file():
        raise UsageError(
            f"weights {file}: no such file: check the path, or leave it out to see where to get one"
        )
    name = _name(file.resolve(), file.stat().st_mtime_ns)
    if _found(name) is None:
        link = _link(name)
        partial = link.with_name(f".{link.name}.{os.getpid()}")
        try:
            link.parent.mkdir(parents=True, exist_ok=True)
            partial.symlink_to(file.resolve())
            # Renamed, so that another process never finds no link.
            partial.replace(link)
        except OSError as error:
            raise disk_error(error, link) from error
    return name


def read(name: str) -> dict[str, Tensor]:
    """Return the weights with a name that `remember` gave.

    Raises:
        UserError: the file is not known on this machine, has changed, or contains no weights
    """
    file = _found(name)
    if file is None:
        raise UserError(
            f"weights {name}: no file with this content is known on this machine: "
            "pass the file once more, as in --set features-kmeans.weights=FILE"
        )
    try:
        content: dict[str, Any] = load_file(file) if file.suffix == ".safetensors" else _unpickled(file)
    except (OSError, SafetensorError, UnpicklingError, EOFError, RuntimeError, ValueError) as error:
        raise UserError(f"{file}: cannot be read as weights ({reason(error)}): download it again") from None
    content = next((content[key] for key in CONTAINERS if key in content), content)
    return {
        key.removeprefix("module."): value.float()
        for key, value in content.items()
        if isinstance(value, Tensor)
    }


def network_of(weights: dict[str, Tensor]) -> Backbone:
    """Return the network that weights belong to, with them, ready for features.

    Raises:
        UserError: they belong to no network that is known here
    """
    network: Backbone
    weights = {OTHER_NAMES.get(key, key): value for key, value in weights.items()}
    try:
        vit = "patch_embed.proj.weight" in weights
        network = VisionTransformer(sizes_of(weights)) if vit else ResNet(weights)
        found = network.load_state_dict(weights, strict=False)
    except (KeyError, ValueError, RuntimeError) as error:
        raise _unknown(reason(error)) from None
    # Heads and mask tokens are not needed for features; other parts of blocks would be.
    surplus = [key for key in found.unexpected_keys if key.startswith(("blocks.", "layer"))]
    if different := [*found.missing_keys, *surplus]:
        raise _unknown(different[0])
    return network.eval().requires_grad_(False)


def _unknown(part: str) -> UserError:
    return UserError(
        f"weights: not those of a ViT-Ti, S, B or L with the names of DINO, DINOv2 or timm, nor of a ResNet "
        f"with the names of torchvision ({part}): use such a file, or name the network of timm that they "
        "belong to with --set features-kmeans.network=NAME"
    )


def _unpickled(file: Path) -> dict[str, Any]:
    content = torch.load(file, map_location="cpu", weights_only=True)
    if not isinstance(content, dict):
        raise ValueError(f"it contains a {type(content).__name__}")
    return content


def _found(name: str) -> Path | None:
    """Return the file with a content; None if none is known, or it has changed."""
    file = _link(name).resolve()
    return file if file.is_file() and _name(file, file.stat().st_mtime_ns) == name else None


def _link(name: str) -> Path:
    return user_cache_path("infoseg-bench") / "weights" / name.removeprefix(PREFIX)


@cache
def _name(file: Path, modified: int) -> str:
    """Return a content's name; a file that was modified is read again."""
    with file.open("rb") as opened:
        return PREFIX + hashlib.file_digest(opened, "sha256").hexdigest()[:DIGITS]
