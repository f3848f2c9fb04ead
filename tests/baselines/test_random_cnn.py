from __future__ import annotations

import pytest
import torch

from infoseg_bench.baselines.random_cnn import RandomCNN, RandomCNNParameters
from infoseg_bench.contracts import RunContext, Task
from infoseg_bench.images.sobel import append_sobel


def make(dataset: str = "mini", channels: int = 3, seed: int = 0) -> RandomCNN:
    parameters = RandomCNN.resolve(dataset, {"width": 4})
    assert isinstance(parameters, RandomCNNParameters)
    task = Task(dataset=dataset, channels=channels, crop=32, clusters=3)
    return RandomCNN(parameters, task, RunContext(seed=seed, device=torch.device("cpu"), steps=0))


def first_layer_channels(method: RandomCNN) -> int:
    layer = method.network.trunk[0]
    assert isinstance(layer, torch.nn.Conv2d)
    return layer.in_channels


@pytest.mark.parametrize(
    ("dataset", "channels", "expected"), [("coco-stuff", 3, 5), ("potsdam", 4, 4), ("potsdam-3", 4, 4)]
)
def test_coco_gets_sobel_channels_and_potsdam_none(dataset: str, channels: int, expected: int) -> None:
    assert first_layer_channels(make(dataset, channels)) == expected


def test_weights_follow_from_the_seed_alone() -> None:
    images = torch.rand(2, 3, 32, 32)
    torch.manual_seed(5)
    one = make().predict(images)
    torch.manual_seed(6)
    assert torch.equal(one, make().predict(images))
    assert not torch.equal(one, make(seed=1).predict(images))


def test_the_corrected_network_has_no_uniform_border_and_keeps_the_size_of_its_map() -> None:
    """As every trained method on the corrected board; published, a border of the map says nothing."""
    images = torch.rand(1, 3, 32, 32)
    for padding, rows in (("published", 14), ("corrected", 16)):
        parameters = RandomCNN.resolve("mini", {"width": 4, "padding": padding})
        assert isinstance(parameters, RandomCNNParameters)
        task = Task(dataset="mini", channels=3, crop=32, clusters=3)
        method = RandomCNN(parameters, task, RunContext(seed=0, device=torch.device("cpu"), steps=0))
        grid = method.network.head_b.project(method.network.trunk(append_sobel(images)))
        assert grid.shape[-1] == rows
        border = float(grid.detach()[..., 0, :].abs().max())
        assert (border == 0) is (padding == "published")
    assert make().parameters.padding == "corrected"
