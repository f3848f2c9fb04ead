"""AC's reference block trained by the project and by a transcription of protocol 3.4 and 9."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from infoseg_bench.baselines.ac.autoregressive import AutoregressiveBlock
from infoseg_bench.baselines.ac.raster_scan import ORDERINGS
from tests.witness.adam import Weights, assert_same, train

CHANNELS, SIDE, STEPS = 3, 6, 50
SCANS = [(rows, down, right) for rows in (True, False) for down in (True, False) for right in (True, False)]
"""The eight raster scans, as the project numbers them."""


def draw(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def masked_convolution(weights: Weights, maps: Tensor, scan: tuple[bool, bool, bool]) -> Tensor:
    """See the two lines before and the own one up to and including the place: a mask, turned for the scan."""
    rows, down, right = scan
    mask = torch.ones(3, 3, dtype=torch.float64)
    mask[2, 2] = 0
    left, other, top, bottom = 1, 1, 2, 0
    if not rows:
        mask, (left, other, top, bottom) = mask.T, (top, bottom, left, other)
    if not right:
        mask, left, other = mask.flip(1), other, left
    if not down:
        mask, top, bottom = mask.flip(0), bottom, top
    padded = F.pad(maps, (left, other, top, bottom))
    return F.conv2d(padded, weights["look.weight"] * mask, weights["look.bias"])


def pointwise(weights: Weights, name: str, maps: Tensor) -> Tensor:
    kernel, bias = weights[f"{name}.weight"][:, :, 0, 0], weights[f"{name}.bias"]
    return torch.einsum("oc,bchw->bohw", kernel, maps) + bias[:, None, None]


def block(weights: Weights, maps: Tensor, scan: tuple[bool, bool, bool]) -> Tensor:
    """Add relu(1x1(relu(masked conv))) to a shortcut with zero channels; two pairs of 1x1 follow likewise."""
    features = pointwise(weights, "follow", masked_convolution(weights, maps, scan).clamp(min=0))
    features = features.clamp(min=0) + torch.cat([maps, torch.zeros_like(maps)], dim=1)
    for pair in range(2):
        inner = pointwise(weights, f"mixers.{pair}.0", features).clamp(min=0)
        features = features + pointwise(weights, f"mixers.{pair}.2", inner).clamp(min=0)
    return features


def test_the_reference_block_ends_at_the_weights_of_its_transcription() -> None:
    torch.manual_seed(5)
    made = AutoregressiveBlock(CHANNELS, "reference", "kernel").double()
    start = {name: value.detach().clone() for name, value in made.named_parameters()}
    maps, target = draw(4, CHANNELS, SIDE, SIDE, seed=0), draw(4, 2 * CHANNELS, SIDE, SIDE, seed=1)
    optimiser = torch.optim.Adam(made.parameters(), lr=1e-2)
    for step in range(STEPS):
        optimiser.zero_grad()
        loss_found = (made(maps, ORDERINGS[step % 8]) - target).square().mean()
        loss_found.backward()
        optimiser.step()

    def loss(weights: Weights, step: int) -> Tensor:
        return ((block(weights, maps, SCANS[step % 8]) - target) ** 2).mean()

    assert [(order.rows, order.down, order.right) for order in ORDERINGS] == SCANS
    found = {name: value.detach() for name, value in made.named_parameters()}
    assert_same(found, train(start, loss, steps=STEPS, lr=1e-2), start)
