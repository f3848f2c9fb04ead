from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from infoseg_bench.baselines.features.vision_transformer import Sizes
from infoseg_bench.baselines.features.weight_files import network_of
from infoseg_bench.errors import UserError
from tests.baselines.features.networks import TINY, resnet, transformer

DINO_V2 = Sizes(width=128, depth=2, patch=4, positions=17, registers=3, scaled=True)


def disturbed(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Let biases and factors take part, which start at 0 and 1."""
    generator = torch.Generator().manual_seed(1)
    return {
        name: value + 0.3 * torch.randn(value.shape, generator=generator) for name, value in weights.items()
    }


def written_out(w: dict[str, Tensor], images: Tensor, blocks: int) -> Tensor:
    """Compute the tokens of patches from the formulas of the papers, head by head."""
    width, patch = w["patch_embed.proj.weight"].shape[0], w["patch_embed.proj.weight"].shape[-1]

    def linear(name: str, values: Tensor) -> Tensor:
        return values @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    def norm(name: str, values: Tensor) -> Tensor:
        centred = values - values.mean(-1, keepdim=True)
        scaled = centred / (centred.square().mean(-1, keepdim=True) + 1e-6).sqrt()
        return scaled * w[f"{name}.weight"] + w[f"{name}.bias"]

    columns = F.unfold(images, patch, stride=patch).mT
    filters = w["patch_embed.proj.weight"].flatten(1)
    x = torch.cat(
        [w["cls_token"].expand(len(images), 1, width), columns @ filters.T + w["patch_embed.proj.bias"]],
        dim=1,
    )
    x = x + w["pos_embed"]
    if "register_tokens" in w:
        x = torch.cat([x[:, :1], w["register_tokens"].expand(len(images), -1, -1), x[:, 1:]], dim=1)
    for block in range(blocks):
        name = f"blocks.{block}"
        joint, parts = linear(f"{name}.attn.qkv", norm(f"{name}.norm1", x)), []
        for head in range(width // 64):
            q, k, v = (joint[..., start + 64 * head :][..., :64] for start in (0, width, 2 * width))
            parts.append((q @ k.mT / math.sqrt(64)).softmax(-1) @ v)
        added = linear(f"{name}.attn.proj", torch.cat(parts, dim=-1))
        x = x + added * w.get(f"{name}.ls1.gamma", torch.ones(()))
        inner = linear(f"{name}.mlp.fc1", norm(f"{name}.norm2", x))
        added = linear(f"{name}.mlp.fc2", inner * 0.5 * (1 + torch.erf(inner / math.sqrt(2))))
        x = x + added * w.get(f"{name}.ls2.gamma", torch.ones(()))
    found = norm("norm", x)[:, -columns.shape[1] :]
    side = images.shape[-1] // patch
    return found.mT.reshape(len(images), width, side, side)


@pytest.mark.parametrize("sizes", [TINY, DINO_V2])
@pytest.mark.parametrize("layer", [1, 2])
def test_a_transformer_computes_what_the_papers_write(sizes: Sizes, layer: int) -> None:
    weights = disturbed(transformer(sizes))
    images = torch.randn(2, 3, 4 * sizes.patch, 4 * sizes.patch)
    found = network_of(weights)(images, layer)
    torch.testing.assert_close(found, written_out(weights, images, 3 - layer), atol=1e-4, rtol=1e-4)


def test_images_of_another_size_get_resized_positions() -> None:
    weights = disturbed(transformer())
    network = network_of(weights)
    assert network(torch.randn(1, 3, 48, 24), 1).shape == (1, 64, 6, 3)
    # Positions that are the same everywhere stay the same.
    weights["pos_embed"] = weights["pos_embed"][:, :1].expand(1, 17, 64).clone()
    flat = network_of(weights)(torch.zeros(1, 3, 48, 48), 1)
    assert float(flat.std(dim=(2, 3)).max()) < 1e-4


@pytest.mark.parametrize("bottleneck", [False, True])
def test_a_resnet_computes_what_its_paper_writes(bottleneck: bool) -> None:
    w = resnet(bottleneck=bottleneck)

    def normed(name: str, maps: Tensor) -> Tensor:
        shape = (1, -1, 1, 1)
        mean, variance = (w[f"{name}.running_{part}"].view(shape) for part in ("mean", "var"))
        scaled = (maps - mean) / (variance + 1e-5).sqrt()
        return scaled * w[f"{name}.weight"].view(shape) + w[f"{name}.bias"].view(shape)

    images = torch.randn(2, 3, 70, 64)
    x = F.max_pool2d(normed("bn1", F.conv2d(images, w["conv1.weight"], stride=2, padding=3)).relu(), 3, 2, 1)
    stages = []
    for stage in range(1, 5):
        for index in range(2):
            name, stride = f"layer{stage}.{index}", 2 if stage > 1 and index == 0 else 1
            if bottleneck:
                y = normed(f"{name}.bn1", F.conv2d(x, w[f"{name}.conv1.weight"])).relu()
                y = normed(
                    f"{name}.bn2", F.conv2d(y, w[f"{name}.conv2.weight"], stride=stride, padding=1)
                ).relu()
                y = normed(f"{name}.bn3", F.conv2d(y, w[f"{name}.conv3.weight"]))
            else:
                y = normed(
                    f"{name}.bn1", F.conv2d(x, w[f"{name}.conv1.weight"], stride=stride, padding=1)
                ).relu()
                y = normed(f"{name}.bn2", F.conv2d(y, w[f"{name}.conv2.weight"], padding=1))
            if f"{name}.downsample.0.weight" in w:
                x = normed(
                    f"{name}.downsample.1", F.conv2d(x, w[f"{name}.downsample.0.weight"], stride=stride)
                )
            x = (x + y).relu()
        stages.append(x)
    network = network_of(w)
    for layer in range(1, 5):
        torch.testing.assert_close(network(images, layer), stages[-layer], atol=1e-4, rtol=1e-4)


def without(weights: dict[str, Tensor], absent: str) -> dict[str, Tensor]:
    return {name: value for name, value in weights.items() if name != absent}


@pytest.mark.parametrize(
    ("weights", "named"),
    [
        ({"features.0.weight": torch.zeros(2)}, "conv1.weight"),
        (without(transformer(), "norm.bias"), "norm.bias"),
        (transformer() | {"blocks.0.attn.q_norm.weight": torch.zeros(64)}, "q_norm"),
        (transformer() | {"pos_embed": torch.zeros(1, 17, 32)}, "pos_embed"),
        (without(resnet(bottleneck=False), "layer2.1.bn1.bias"), "layer2.1.bn1.bias"),
    ],
)
def test_weights_of_other_networks_are_refused(weights: dict[str, Tensor], named: str) -> None:
    with pytest.raises(UserError, match=named):
        network_of(weights)
