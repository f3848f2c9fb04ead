from __future__ import annotations

import pytest
import torch

from infoseg_bench.baselines.random_cnn import RandomCNN, RandomCNNParameters
from infoseg_bench.contracts import RunContext, Task


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
