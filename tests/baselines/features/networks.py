"""Files with the weights of small networks, random but otherwise as in official files."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from infoseg_bench.baselines.features.vision_transformer import Sizes, VisionTransformer

TINY = Sizes(width=64, depth=2, patch=8, positions=17)


def transformer(sizes: Sizes = TINY) -> dict[str, Tensor]:
    torch.manual_seed(0)
    return VisionTransformer(sizes).state_dict()


def write(file: Path, sizes: Sizes = TINY) -> Path:
    torch.save(transformer(sizes), file)
    return file


def resnet(*, bottleneck: bool) -> dict[str, Tensor]:
    """Make the weights of a ResNet with narrow stages, with torchvision's names, by hand."""
    torch.manual_seed(0)
    expansion, inputs = (4 if bottleneck else 1), 8
    made = {"conv1.weight": torch.randn(8, 3, 7, 7) / 12, **_norm("bn1", 8), "fc.weight": torch.randn(5, 8)}
    for stage in range(1, 5):
        width = 4 * 2**stage
        for index in range(2):
            name = f"layer{stage}.{index}."
            shapes = [(width, inputs, 3), (width, width, 3)]
            if bottleneck:
                shapes = [(width, inputs, 1), (width, width, 3), (width * expansion, width, 1)]
            for number, (outputs, channels, side) in enumerate(shapes, start=1):
                deviation = (channels * side**2) ** -0.5
                made[f"{name}conv{number}.weight"] = torch.randn(outputs, channels, side, side) * deviation
                made |= _norm(f"{name}bn{number}", outputs)
            if index == 0 and (stage > 1 or inputs != width * expansion):
                made[f"{name}downsample.0.weight"] = (
                    torch.randn(width * expansion, inputs, 1, 1) / inputs**0.5
                )
                made |= _norm(f"{name}downsample.1", width * expansion)
            inputs = width * expansion
    return made


def _norm(name: str, channels: int) -> dict[str, Tensor]:
    values = {"weight": 1.0, "bias": 0.1, "running_mean": 0.2, "running_var": 1.5}
    made = {f"{name}.{key}": torch.full((channels,), value) for key, value in values.items()}
    return {**made, f"{name}.num_batches_tracked": torch.tensor(7)}
