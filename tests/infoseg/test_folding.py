"""The last linear layer applied to H instead of to L: the same products, the same gradients."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from infoseg_bench.contracts import RunContext, Task
from infoseg_bench.data.train_images import TrainBatch
from infoseg_bench.infoseg.infoseg import InfoSeg
from infoseg_bench.infoseg.infoseg_parameters import InfoSegParameters
from infoseg_bench.infoseg.objective import class_scores


def make(**parameters: object) -> InfoSeg:
    task = Task(dataset="mini", channels=3, crop=32, clusters=3)
    # Untrained networks of torch's own initialisation score all classes alike.
    small = {"batch": 4, "P": 12, "width": 4, "initialisation": "he"}
    chosen = InfoSegParameters.parse({**small, **parameters}, "infoseg")
    method = InfoSeg(chosen, task, RunContext(seed=0, device=torch.device("cpu"), steps=10))
    method.network.double()
    with torch.no_grad():
        for weight in method.network.parameters():
            weight.add_(0.1 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(1)))
    return method


def batch() -> TrainBatch:
    images = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    return TrainBatch(images=images, inside=torch.ones(4, 32, 32, dtype=torch.bool), mask=None)


@pytest.mark.parametrize("kind", ["none", "scale", "global-layer"])
def test_folded_scores_are_those_of_the_papers_l_and_h(kind: str) -> None:
    method = make(normalisation=kind)
    folded = class_scores(*vars(method._features(batch().images)).values())
    assert method.network.fold
    method.network.fold = False
    plain = method.network(batch().images)
    assert plain.L.shape[1] == 12
    torch.testing.assert_close(folded, class_scores(plain.L, plain.H))


@pytest.mark.parametrize("pairing", ["permuted", "own", "all"])
def test_every_weight_gets_the_gradient_it_would_get_without_folding(pairing: str) -> None:
    gradients: list[dict[str, Tensor]] = []
    for fold in (True, False):
        method = make(pairing=pairing, normalisation="none")
        method.network.fold = fold
        method.losses(batch(), torch.Generator().manual_seed(3))["loss"].backward()  # type: ignore[no-untyped-call]
        found = {name: weight.grad for name, weight in method.network.named_parameters()}
        gradients.append({name: gradient for name, gradient in found.items() if gradient is not None})
    assert len(gradients[0]) == len(list(make(normalisation="none").network.parameters()))
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradient, gradients[1][name], msg=name)


@pytest.mark.parametrize("kind", ["length", "layer", "layer-unscaled"])
def test_normalisations_that_are_not_linear_are_not_folded(kind: str) -> None:
    assert not make(normalisation=kind).network.fold


def test_a_folded_network_predicts_as_the_other() -> None:
    method = make(normalisation="scale")
    assert method.network.fold
    expected = method.predict(batch().images)
    assert int(expected.min()) < int(expected.max())
    method.network.fold = False
    assert torch.equal(method.predict(batch().images), expected)
