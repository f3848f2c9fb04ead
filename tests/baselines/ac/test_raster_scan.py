from __future__ import annotations

import pytest
import torch
from torch import Tensor

from infoseg_bench.baselines.ac.autoregressive import (
    AutoregressiveBlock,
    AutoregressiveNetwork,
    Block,
)
from infoseg_bench.baselines.ac.raster_scan import (
    ORDERINGS,
    Masking,
    Ordering,
    RasterAttention,
    RasterConv2d,
    shift,
)

SIDE = 5
"""Places along each side of the grid."""

every_ordering = pytest.mark.parametrize("ordering", ORDERINGS, ids=str)


def scan(ordering: Ordering, side: int = SIDE) -> list[tuple[int, int]]:
    """Write the ordering out, place by place."""
    lines = range(side) if ordering.down else range(side - 1, -1, -1)
    columns = range(side) if ordering.right else range(side - 1, -1, -1)
    if ordering.rows:
        return [(row, column) for row in lines for column in columns]
    return [(row, column) for column in columns for row in lines]


def network(
    stride: int, attention: int = 0, blocks: int = 3, block: Block = "reference", masking: Masking = "shift"
) -> AutoregressiveNetwork:
    torch.manual_seed(3)
    made = AutoregressiveNetwork(
        channels=2,
        width=4,
        stride=stride,
        blocks=blocks,
        attention=attention,
        batch_norm=True,
        block=block,
        masking=masking,
    )
    return made.double().eval()


def influence(network: AutoregressiveNetwork, stride: int, ordering: Ordering | None) -> Tensor:
    """Return for every place of the output which places of the input move it: `row column row column`.

    The gradient is taken with respect to every pixel, over several images, so that no ReLU hides a path.
    """
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(6, 2, SIDE * stride, SIDE * stride, generator=generator, dtype=torch.float64)
    images.requires_grad_()
    grid = network(images, ordering)
    moved = torch.zeros(SIDE, SIDE, SIDE, SIDE, dtype=torch.bool)
    for row in range(SIDE):
        for column in range(SIDE):
            (gradient,) = torch.autograd.grad(grid[:, :, row, column].sum(), [images], retain_graph=True)
            pixels = (gradient != 0).any(dim=(0, 1))
            moved[row, column] = pixels.view(SIDE, stride, SIDE, stride).any(dim=(1, 3))
    return moved


def allowed(ordering: Ordering) -> Tensor:
    passed = torch.zeros(SIDE, SIDE, SIDE, SIDE, dtype=torch.bool)
    for number, (row, column) in enumerate(scan(ordering)):
        for earlier in scan(ordering)[: number + 1]:
            passed[row, column][earlier] = True
    return passed


def test_the_orderings_are_eight_different_scans_closed_under_reversal() -> None:
    assert len({tuple(scan(ordering)) for ordering in ORDERINGS}) == 8
    for ordering in ORDERINGS:
        assert scan(ordering.opposite) == scan(ordering)[::-1]


@every_ordering
@pytest.mark.parametrize("stride", [2, 4])
@pytest.mark.parametrize(
    ("attention", "block", "masking"),
    [(0, "reference", "shift"), (4, "reference", "kernel"), (4, "after-sum", "shift")],
)
def test_no_pixel_that_the_ordering_has_not_passed_moves_an_output(
    ordering: Ordering, stride: int, attention: int, block: Block, masking: Masking
) -> None:
    moved = influence(network(stride, attention, block=block, masking=masking), stride, ordering)
    assert not (moved & ~allowed(ordering)).any()
    # Whole lines before it and its own line up to itself: at the last place of the scan that is much.
    last = scan(ordering)[-1]
    assert moved[last].sum() > SIDE * SIDE // 2
    for row, column in scan(ordering):
        assert moved[row, column, row, column]


@every_ordering
def test_attention_moves_an_output_from_exactly_the_places_that_the_ordering_has_passed(
    ordering: Ordering,
) -> None:
    moved = influence(network(2, attention=4), 2, ordering)
    assert torch.equal(moved, allowed(ordering))


@every_ordering
def test_convolutions_alone_see_earlier_lines_to_both_sides_not_a_quadrant(ordering: Ordering) -> None:
    middle = SIDE // 2
    seen = influence(network(2), 2, ordering)[middle, middle].nonzero() - middle
    slow, fast = (seen[:, 0], seen[:, 1]) if ordering.rows else (seen[:, 1], seen[:, 0])
    assert set(fast[slow != 0].sign().tolist()) == {-1, 0, 1}


@pytest.mark.parametrize("stride", [2, 4])
def test_without_an_ordering_an_output_sees_all_around(stride: int) -> None:
    moved = influence(network(stride), stride, None)
    middle = moved[SIDE // 2, SIDE // 2]
    assert middle[:2].any()
    assert middle[-2:].any()
    assert middle[:, :2].any()
    assert middle[:, -2:].any()


def test_shifting_pads_one_side_and_crops_the_opposite_one() -> None:
    maps = torch.arange(9.0).view(1, 1, 3, 3) + 1
    assert shift(maps, 1, 0)[0, 0].tolist() == [[0, 0, 0], [1, 2, 3], [4, 5, 6]]
    assert shift(maps, 0, -1)[0, 0].tolist() == [[2, 3, 0], [5, 6, 0], [8, 9, 0]]


@every_ordering
def test_a_masked_kernel_sees_two_lines_before_and_its_own_up_to_itself(ordering: Ordering) -> None:
    layer = RasterConv2d(1, 1, "kernel").double()
    maps = torch.rand(1, 1, SIDE, SIDE, dtype=torch.float64, requires_grad=True)
    middle = SIDE // 2
    (gradient,) = torch.autograd.grad(layer(maps, ordering)[0, 0, middle, middle], [maps])
    seen = {tuple(place) for place in (gradient[0, 0].nonzero() - middle).tolist()}
    down, right = (1 if ordering.down else -1), (1 if ordering.right else -1)
    slow, fast = (down, right) if ordering.rows else (right, down)
    lines = {(-slow * line, fast * step) for line in (1, 2) for step in (-1, 0, 1)} | {(0, 0), (0, -fast)}
    assert seen == (lines if ordering.rows else {(row, line) for line, row in lines})


@pytest.mark.parametrize("block", ["reference", "after-sum"])
def test_a_block_has_its_relu_where_it_says(block: Block) -> None:
    """With all weights zero a block is its shortcut, and only after-sum takes what is below zero from it."""
    made = AutoregressiveBlock(2, block, "shift")
    for weight in made.parameters():
        torch.nn.init.zeros_(weight)
    grid = torch.randn(1, 2, 4, 4)
    expected = torch.cat([grid, torch.zeros_like(grid)], dim=1)
    assert torch.equal(made(grid, None), expected if block == "reference" else expected.relu())


def test_attention_is_mixed_with_its_input_or_added_to_it() -> None:
    maps = torch.rand(1, 3, 4, 5)
    added, mixed = RasterAttention(3, 2), RasterAttention(3, 2, mixed=True)
    for attention in (added, mixed):
        torch.nn.init.zeros_(attention.merge.weight)
        assert attention.merge.bias is not None
        torch.nn.init.ones_(attention.merge.bias)
    assert torch.allclose(added(maps, None), maps + 1)
    assert mixed.mix is not None
    assert mixed.mix.bias is not None
    weights = mixed.mix.weight.flatten(1)
    expected = torch.einsum("oc,bcyx->boyx", weights[:, 3:], maps)
    expected = expected + (weights[:, :3].sum(dim=1) + mixed.mix.bias)[:, None, None]
    assert torch.allclose(mixed(maps, None), expected, atol=1e-6)


@every_ordering
def test_attention_weights_over_what_was_passed_sum_to_one(ordering: Ordering) -> None:
    attention = RasterAttention(3, 2).eval()
    weights = attention.state_dict()
    weights["project.weight"][4:] = 0
    weights["project.bias"][4:] = 1
    weights["merge.weight"][:] = 1
    weights["merge.bias"][:] = 0
    maps = torch.rand(1, 3, 4, 5)
    # All values are one, so what is added is the sum of the weights in each of two channels.
    assert torch.allclose(attention(maps, ordering) - maps, torch.full_like(maps, 2.0), atol=1e-5)


@pytest.mark.parametrize(("stride", "rows"), [(2, 16), (4, 8)])
def test_the_output_has_a_place_per_stride_pixels_and_twice_the_channels_per_block(
    stride: int, rows: int
) -> None:
    made = network(stride, blocks=2).float()
    assert made(torch.rand(1, 2, 32, 32), ORDERINGS[0]).shape == (1, 16, rows, rows)
    assert made.out_channels == 16
