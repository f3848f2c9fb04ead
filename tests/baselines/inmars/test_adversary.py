from __future__ import annotations

import torch
from torch import Tensor, nn

from infoseg_bench.baselines.inmars.adversary import (
    adversarial_perturbation,
    root_mean_square,
    scaled,
    untracked,
)


def test_one_power_iteration_turns_to_the_direction_of_greatest_curvature() -> None:
    curvatures = torch.tensor([10.0, 1.0, 0.1])

    def divergence(perturbation: Tensor) -> Tensor:
        return (curvatures * perturbation.square()).sum()

    start = torch.ones(2, 3)
    found = adversarial_perturbation(divergence, start, radius=2.0, probe=0.1, size=root_mean_square)
    assert torch.allclose(root_mean_square(found), torch.full((2,), 2.0))
    assert (found[:, 0] > 9 * found[:, 1]).all()
    assert float(divergence(found)) > 2 * float(divergence(scaled(start, 2.0, root_mean_square)))


def test_a_divergence_that_does_not_change_gives_no_perturbation_and_no_nan() -> None:
    found = adversarial_perturbation(
        lambda p: (p * 0).sum(), torch.ones(1, 3), radius=1.0, probe=0.1, size=root_mean_square
    )
    assert torch.equal(found, torch.zeros(1, 3))


def test_every_image_has_the_radius_by_itself() -> None:
    start = torch.tensor([[1.0, 1.0], [100.0, 0.0]])
    assert torch.allclose(root_mean_square(scaled(start, 0.5, root_mean_square)), torch.full((2,), 0.5))


def test_untracked_batches_leave_no_trace_and_tracking_resumes() -> None:
    network = nn.Sequential(nn.BatchNorm2d(2)).train()
    norm = network[0]
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_mean is not None
    with untracked(network):
        network(torch.rand(3, 2, 4, 4) + 5)
    assert torch.equal(norm.running_mean, torch.zeros(2))
    network(torch.rand(3, 2, 4, 4) + 5)
    assert (norm.running_mean > 0).all()
