from __future__ import annotations

import pytest
import torch

from infoseg_bench.images.mirror import draw_mirrored, mirror


@pytest.mark.parametrize("shape", [(3, 4, 5), (3, 2, 4, 5)])
def test_the_chosen_are_mirrored_and_mirroring_again_gives_the_original(shape: tuple[int, ...]) -> None:
    maps = torch.rand(shape)
    chosen = torch.tensor([True, False, True])
    mirrored = mirror(maps, chosen)
    assert torch.equal(mirrored[0], maps[0].flip(-1))
    assert torch.equal(mirrored[1], maps[1])
    assert torch.equal(mirror(mirrored, chosen), maps)


def test_masks_stay_masks() -> None:
    assert mirror(torch.rand(2, 3, 3) > 0.5, torch.tensor([True, True])).dtype == torch.bool


def test_about_half_are_chosen() -> None:
    chosen = draw_mirrored(4000, torch.Generator().manual_seed(0))
    assert 0.45 < float(chosen.float().mean()) < 0.55
