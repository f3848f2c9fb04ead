from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch

from infoseg_bench.contracts import RunContext, Task
from infoseg_bench.data.train_images import TrainBatch
from infoseg_bench.errors import UsageError
from infoseg_bench.images.color_jitter import ColorJitter
from infoseg_bench.information.displaced import displaced_information
from infoseg_bench.infoseg.blocks import patch_side
from infoseg_bench.infoseg.infoseg import InfoSeg
from infoseg_bench.infoseg.infoseg_parameters import InfoSegParameters
from infoseg_bench.infoseg.network import FeatureNetwork
from infoseg_bench.planning.suite import load_suite
from infoseg_bench.runs.diagnostics import SELF_AGREEMENT

SMALL = {"P": 16, "width": 4, "batch": 4, "initialisation": "he"}
"""Untrained networks of torch's own initialisation score all classes nearly alike."""


def make(crop: int = 32, clusters: int = 3, channels: int = 3, seed: int = 0, **parameters: Any) -> InfoSeg:
    chosen = InfoSegParameters.parse({**SMALL, **parameters}, "infoseg")
    task = Task(dataset="mini", channels=channels, crop=crop, clusters=clusters)
    return InfoSeg(chosen, task, RunContext(seed=seed, device=torch.device("cpu"), steps=10))


def images(count: int = 4, crop: int = 32, channels: int = 3) -> TrainBatch:
    pixels = torch.rand(count, channels, crop, crop, generator=torch.Generator().manual_seed(1))
    return TrainBatch(images=pixels, inside=torch.ones(count, crop, crop, dtype=torch.bool), mask=None)


@pytest.mark.parametrize(("crop", "channels", "K"), [(128, 3, 15), (200, 4, 6), (64, 3, 2), (32, 3, 27)])
def test_features_have_the_papers_shapes(crop: int, channels: int, K: int) -> None:
    network = FeatureNetwork(
        channels=channels, clusters=K, P=24, width=4, context=1, crop=crop, batch_norm=True
    )
    features = network(images(2, crop, channels).images)
    assert features.L.shape == (2, 24, crop // 4, crop // 4)
    assert features.H.shape == (2, K, 24)


def test_blocks_used_twice_have_parameters_of_their_own() -> None:
    network = FeatureNetwork(channels=3, clusters=2, P=8, width=4, context=0, crop=32, batch_norm=False)
    shared = {id(p) for p in network.local_c.parameters()} & {id(p) for p in network.global_c.parameters()}
    assert not shared


def test_every_class_has_a_linear_layer_of_its_own() -> None:
    network = FeatureNetwork(channels=3, clusters=3, P=8, width=4, context=0, crop=32, batch_norm=False)
    H = network(images().images).H
    # One feature: layer normalisation holds the sum of all constant.
    (gradient,) = torch.autograd.grad(H[:, 1, 0].sum(), [network.block_d.weight])
    touched = gradient.view(3, 8, 8).abs().sum(dim=(1, 2)) > 0
    assert touched.tolist() == [False, True, False]


def test_a_local_feature_sees_a_patch_and_a_global_one_the_whole_image() -> None:
    network = FeatureNetwork(channels=3, clusters=2, P=8, width=4, context=1, crop=64, batch_norm=False)
    pixels = images(1, 64).images.requires_grad_()
    features = network(pixels)
    (local,) = torch.autograd.grad(features.L[0, 0, 8, 8], [pixels], retain_graph=True)
    rows = (local.abs().sum(dim=(0, 1, 3)) > 0).nonzero().flatten()
    # 4x4 stride 2 twice, then 3x3: 10 + 8 pixels.
    assert int(rows[-1] - rows[0]) + 1 <= 18
    (whole,) = torch.autograd.grad(features.H[:, :, 0].sum(), [pixels])
    assert float((whole.abs().sum(dim=(0, 1)) > 0).double().mean()) > 0.9


def test_predictions_are_label_maps_upsampled_by_nearest_neighbour() -> None:
    clusters = make().predict(images().images)
    assert clusters.shape == (4, 32, 32)
    assert clusters.dtype == torch.int64
    blocks = clusters.view(4, 8, 4, 8, 4)
    assert (blocks == blocks[:, :, :1, :, :1]).all()


def test_interpolated_scores_agree_with_the_label_map_away_from_borders_and_cut_finer_ones() -> None:
    one, other = (make(lr=1e-2, normalisation="none", upsampling=kind) for kind in ("labels", "scores"))
    for method in (one, other):
        for step in range(10):
            method.step = step
            method._train_step(images())
    by_label, by_score = one.predict(images().images), other.predict(images().images)
    assert by_score.shape == by_label.shape
    agreement = float((by_label == by_score).double().mean())
    assert 0.5 < agreement < 1.0
    blocks = by_score.view(4, 8, 4, 8, 4)
    assert (blocks != blocks[:, :, :1, :, :1]).any()


@pytest.mark.parametrize("normalisation", ["none", "scale", "layer", "layer-unscaled", "length"])
@pytest.mark.parametrize("pairing", ["permuted", "all", "own"])
@pytest.mark.parametrize("estimator", ["jensen-shannon", "donsker-varadhan", "iic"])
@pytest.mark.parametrize("assignment", ["soft", "hard"])
def test_every_choice_trains_a_step_to_a_finite_loss(
    normalisation: str, pairing: str, estimator: str, assignment: str
) -> None:
    method = make(
        normalisation=normalisation, pairing=pairing, estimator=estimator, assignment=assignment, flip=True
    )
    losses = method.losses(images(), torch.Generator().manual_seed(0))
    losses["loss"].backward()  # type: ignore[no-untyped-call]
    assert all(math.isfinite(float(value.detach())) for value in losses.values())
    gradients = [p.grad for p in method.network.parameters() if p.grad is not None]
    assert method.uses_all_parameters
    assert len(gradients) == len(list(method.network.parameters()))
    assert any(gradient.abs().sum() > 0 for gradient in gradients)


@pytest.mark.parametrize(
    "choice",
    [
        {"negatives": "shifted"},
        {"negatives": "all-places", "pairing": "permuted"},
        {"negatives": "all-places", "pairing": "own"},
        {"estimator": "donsker-varadhan", "dv_average": "per-place", "training_mask": True},
        {"bottleneck": 2},
        {"a_channels": 16, "a_depth": 1},
        {"shortcut": "torch", "layer_weights": False},
        {"tau_tied": True},
    ],
    ids=str,
)
def test_every_further_choice_trains_a_step_and_predicts(choice: dict[str, Any]) -> None:
    method = make(**choice)
    mask = (torch.arange(32) < 16).expand(4, 32, 32) if "training_mask" in choice else None
    before = [weight.detach().clone() for weight in method.network.parameters()]
    losses = method._train_step(replace(images(), mask=mask))
    assert math.isfinite(float(losses["loss"]))
    assert all((old != new).any() for old, new in zip(before, method.network.parameters(), strict=True))
    assert method.predict(images().images).shape == (4, 32, 32)


def test_all_places_of_all_pairs_are_refused_with_the_remedy() -> None:
    with pytest.raises(UsageError, match="choose pairing=permuted"):
        make(negatives="all-places")


def test_a_tied_tau_grows_as_P_shrinks() -> None:
    assert make(P=256, tau_tied=True).parameters.effective_tau == pytest.approx(1.6)
    assert make(P=1024, tau_tied=True).parameters.effective_tau == pytest.approx(0.8)
    assert make(P=256).parameters.effective_tau == 0.8


def test_a_near_identity_shortcut_hands_on_its_inputs() -> None:
    network = FeatureNetwork(channels=3, clusters=2, P=24, width=4, context=0, crop=32, batch_norm=False)
    weight = network.local_c.shortcut.weight.detach().flatten(1)
    assert torch.equal(weight.diagonal(), torch.ones(8))
    assert float((weight - torch.eye(24, 8)).abs().max()) <= 0.01


@pytest.mark.parametrize(("context", "depth"), [(0, 0), (2, 0), (0, 3), (1, 2)])
def test_the_patch_of_a_local_feature_is_as_large_as_stated(context: int, depth: int) -> None:
    network = FeatureNetwork(
        channels=3, clusters=2, P=8, width=4, context=context, crop=96, batch_norm=False, a_depth=depth,
        initialisation="he",
    ).double()  # fmt: skip
    pixels = images(1, 96).images.double().requires_grad_()
    (gradient,) = torch.autograd.grad(network(pixels).L[0, :, 12, 12].square().sum(), [pixels])
    rows = (gradient.abs().sum(dim=(0, 1, 3)) > 0).nonzero().flatten()
    assert int(rows[-1] - rows[0]) + 1 == patch_side(context, depth)


def test_layer_normalisation_learns_weights_unless_told_not_to() -> None:
    features = make(normalisation="layer")._features(images().images)
    assert torch.allclose(features.H.norm(dim=2), torch.full((4, 3), 16**0.25), atol=1e-3)
    for weights in (True, False):
        network = make(layer_weights=weights).network
        learnt = [name for name, _ in network.named_parameters() if name.startswith("normalise")]
        assert len(learnt) == (4 if weights else 0)


@pytest.mark.parametrize("normalisation", ["none", "scale", "layer", "global-layer", "length"])
@pytest.mark.parametrize("pairing", ["permuted", "all", "own"])
def test_mixed_precision_gives_nearly_the_loss_of_single_and_finite_gradients(
    normalisation: str, pairing: str
) -> None:
    found = []
    for precision in ("float32", "bfloat16"):
        method = make(normalisation=normalisation, pairing=pairing, precision=precision)
        with method.autocast():
            loss = method.losses(images(), torch.Generator().manual_seed(0))["loss"]
        loss.backward()  # type: ignore[no-untyped-call]
        gradients = [p.grad for p in method.network.parameters() if p.grad is not None]
        assert len(gradients) == len(list(method.network.parameters()))
        assert all(gradient.isfinite().all() for gradient in gradients)
        found.append(float(loss.detach()))
    assert found[0] == pytest.approx(found[1], abs=0.02)


def test_the_iic_estimator_compares_both_views_in_the_frame_of_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where colours decide alone and none is changed, mirroring the second view changes nothing."""
    method = make(estimator="iic", iic_radius=8, iic_lamb=1.5)

    def by_colour(batch: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.avg_pool2d(10 * batch, 4).softmax(dim=1)

    monkeypatch.setattr(method, "_probabilities", by_colour)
    monkeypatch.setattr(ColorJitter, "apply", lambda jitter, pixels, drawn: pixels)
    loss = method.losses(images(), torch.Generator().manual_seed(3))["loss"]
    V = by_colour(images().images)
    torch.testing.assert_close(-loss, displaced_information(V, V, radius=2, lamb=1.5))


def test_the_iic_estimator_leaves_masked_places_out(monkeypatch: pytest.MonkeyPatch) -> None:
    method = make(estimator="iic", training_mask=True)
    batch = replace(images(), mask=(torch.arange(32) < 16).expand(4, 32, 32))
    V = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(2)).softmax(dim=1)
    changed = V.clone()
    changed[..., 4:] = 1 / 3
    monkeypatch.setattr("infoseg_bench.infoseg.infoseg.mirror", lambda maps, mirrored: maps)
    estimates = []
    for given in (V, changed):
        monkeypatch.setattr(method, "_probabilities", lambda pixels, given=given: given)
        estimates.append(float(method.losses(batch, torch.Generator().manual_seed(1))["loss"]))
    assert estimates[0] == pytest.approx(estimates[1])


@pytest.mark.parametrize("jitter", ["images", "view"])
def test_jitter_changes_the_loss_and_never_a_prediction(jitter: str) -> None:
    plain, changed = make(), make(jitter=jitter)
    losses = [
        method.losses(images(), torch.Generator().manual_seed(0))["loss"] for method in (plain, changed)
    ]
    assert float(losses[0].detach()) != float(losses[1].detach())
    assert torch.equal(plain.predict(images().images), changed.predict(images().images))


def test_local_features_come_from_the_images_and_global_ones_from_the_view() -> None:
    network = make().network.eval()
    one, other = images().images, images().images.flip(0)
    both = network(one, other)
    torch.testing.assert_close(both.L, network(one).L)
    torch.testing.assert_close(both.H, network(other).H)


@pytest.mark.parametrize(("pooling", "same"), [("average", True), ("convolution", False)])
def test_only_a_convolution_at_the_end_of_block_b_tells_places_apart(pooling: str, same: bool) -> None:
    network = make(crop=16, pooling=pooling, context=0).network.eval()
    grid = torch.rand(1, network.block_b.out_channels, 4, 4)
    end = network.block_b
    assert torch.allclose(end(grid), end(grid.flip(3)), atol=1e-6) == same
    assert end(torch.rand(1, network.block_b.out_channels, 8, 8)).shape[2:] == (1, 1)


def test_features_of_length_one_score_at_most_one() -> None:
    method = make(normalisation="length")
    features = method._features(images().images)
    assert torch.allclose(features.L.norm(dim=1), torch.ones(4, 8, 8))
    assert torch.allclose(features.H.norm(dim=2), torch.ones(4, 3))


def test_stopping_the_gradient_through_the_assignment_changes_the_gradient_and_not_the_loss() -> None:
    results = []
    for flows in (True, False):
        method = make(gradient_through_assignment=flows, tau=3.0)
        loss = method.losses(images(), torch.Generator().manual_seed(0))["loss"]
        loss.backward()  # type: ignore[no-untyped-call]
        weight = method.network.block_d.weight
        assert weight.grad is not None
        results.append((float(loss.detach()), weight.grad))
    assert results[0][0] == pytest.approx(results[1][0])
    assert not torch.allclose(results[0][1], results[1][1])


def test_the_mask_is_declared_and_takes_masked_places_out_of_the_loss() -> None:
    method = make(training_mask=True)
    assert InfoSeg.label_use(method.parameters) == "mask"
    assert InfoSeg.label_use(make().parameters) is None
    batch = images()
    mask = torch.zeros(4, 32, 32, dtype=torch.bool)
    mask[:, :16] = True
    masked = TrainBatch(images=batch.images, inside=batch.inside, mask=mask)
    with_mask = method.losses(masked, torch.Generator().manual_seed(0))["loss"]
    without = method.losses(batch, torch.Generator().manual_seed(0))["loss"]
    assert float(with_mask.detach()) != float(without.detach())


@pytest.mark.parametrize(("initialisation", "least", "most"), [("torch", 0.0, 0.1), ("he", 0.5, 2.0)])
def test_activations_keep_their_size_by_he_and_shrink_by_torchs_initialisation(
    initialisation: str, least: float, most: float
) -> None:
    network = make(crop=64, width=16, context=3, initialisation=initialisation).network
    pixels = images(crop=64).images
    assert least < float(network.block_a(pixels).detach().std() / pixels.std()) < most


@pytest.mark.parametrize("suite", ["ablation", "ablation-laptop"])
@pytest.mark.parametrize("variant", load_suite("ablation").variants["infoseg"], ids=str)
def test_every_row_of_the_ablation_begins_with_a_gradient_that_adam_does_not_round_away(
    suite: str, variant: dict[str, Any]
) -> None:
    assert variant in load_suite(suite).variants["infoseg"]
    method = make(crop=64, P=64, width=16, **{"initialisation": "torch", **variant})
    loss = method.losses(images(crop=64), torch.Generator().manual_seed(0))["loss"]
    loss.backward()  # type: ignore[no-untyped-call]
    gradients = [p.grad.abs().max() for p in method.network.parameters() if p.grad is not None]
    assert float(max(gradients)) > method.optimiser.defaults["eps"]


def test_cluster_usage_runs_from_one_to_the_number_of_clusters() -> None:
    usage = make().losses(images(), torch.Generator().manual_seed(0))["cluster_usage"]
    assert 1 <= float(usage) <= 3 + 1e-4


def test_a_step_is_selected_by_a_figure_that_exists() -> None:
    method = make(select="information")
    figures = {name: float(value) for name, value in method.diagnose(images().images).items()}
    assert method.selected_by in figures
    assert all(math.isfinite(value) for value in figures.values())
    assert make(select="stability").selected_by == SELF_AGREEMENT
    assert make().selected_by is None


@pytest.mark.parametrize("normalisation", ["scale", "layer"])
def test_figures_are_those_of_the_papers_features_folded_or_not(normalisation: str) -> None:
    method = make(normalisation=normalisation)
    found = method.diagnose(images().images)
    method.network.fold = False
    for name, value in method.diagnose(images().images).items():
        torch.testing.assert_close(torch.as_tensor(found[name]), torch.as_tensor(value))


def test_a_few_steps_on_a_fixed_batch_raise_the_information() -> None:
    method = make(lr=1e-2, batch_norm=True)
    losses = [float(method._train_step(images())["loss"]) for _ in range(30)]
    assert losses[-1] < losses[0] - 0.1


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"P": 0}, "infoseg.P=0"),
        ({"lr": -1}, "infoseg.lr=-1"),
        ({"normalisation": "batch"}, "infoseg.normalisation='batch'"),
        ({"hight": 3}, "hight"),
        ({"train_crop": 30}, "infoseg.train_crop=30"),
    ],
)
def test_a_parameter_out_of_range_is_named_with_its_value(parameters: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        InfoSeg.resolve("mini", parameters)


def test_a_crop_that_the_stride_does_not_divide_is_refused() -> None:
    with pytest.raises(UsageError, match="30"):
        make(crop=30)
