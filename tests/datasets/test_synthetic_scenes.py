from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.cluster import MiniBatchKMeans

from infoseg_bench.contracts import Prepared
from infoseg_bench.data.evaluation_set import EvaluationSet
from infoseg_bench.data.store import Store
from infoseg_bench.data.view import UNLABELLED, VOID
from infoseg_bench.datasets.synthetic_scenes.scene import generate_scene
from infoseg_bench.datasets.synthetic_scenes.synthetic_scenes import SyntheticScenes, SyntheticScenesOptions
from infoseg_bench.errors import UsageError
from infoseg_bench.scoring.counts import confusion_counts
from infoseg_bench.scoring.matching import one_to_one
from infoseg_bench.scoring.scores import constant_accuracy, score
from infoseg_bench.utils.progress import Item, no_progress

IMAGES = 60
RECORDED = {
    "natural": "d0c9069eab9ffd6479e2a716775bf2653e0aaeadea04fa38b441708763278d77",
    "random": "7e77f9ac2fbe7163b32f43f7b90606f74dd324c7c3e581686843d9a903ba7870",
}


def prepare(data: Path, **options: Any) -> Prepared:
    chosen = SyntheticScenesOptions.parse({"images": 3, **options}, "synthetic-scenes")
    prepared: Prepared = SyntheticScenes().prepare(chosen, data, no_progress)
    return prepared


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepare(tmp_path_factory.mktemp("data"), images=IMAGES)


@pytest.fixture(scope="module")
def store(prepared: Prepared) -> Store:
    return Store(prepared.store)


def stored_labels(store: Store) -> np.ndarray:
    labels = store.arrays(labels=True).labels
    assert labels is not None
    return labels


def centre_crops(store: Store) -> tuple[torch.Tensor, torch.Tensor]:
    view, device = store.view("synthetic-scenes"), torch.device("cpu")
    crops = EvaluationSet(store.arrays(labels=True), view, protocol="corrected", device=device)
    return next(crops.batches(len(crops)))


def counts_of(clusters: torch.Tensor, labels: torch.Tensor) -> np.ndarray:
    counts = confusion_counts(clusters, labels, n_clusters=3, n_classes=3).sum(dim=0)
    return counts.numpy()


def test_the_options_are_honoured(tmp_path: Path) -> None:
    prepared = prepare(tmp_path, images=4, size=50, crop=20)
    store = Store(prepared.store)
    store.verify()
    assert len(store.ids()) == store.photos == store.labelled == 4
    assert store.arrays(labels=False).sizes.tolist() == [[50, 50]] * 4
    view = store.view("synthetic-scenes")
    assert view.crop == 20
    assert view.train.tolist() == view.evaluation.tolist() == [0, 1, 2, 3]
    expected = {"images": 4, "seed": 0, "size": 50, "crop": 20, "palette": "natural"}
    assert json.loads(store.attributes["options"]) == expected


def test_every_board_says_that_the_scenes_are_generated(store: Store) -> None:
    note = store.view("synthetic-scenes").note
    assert "Computer-generated" in note
    assert "not a benchmark" in note


def test_the_same_seed_gives_the_same_store_and_another_another(tmp_path: Path) -> None:
    prints = [
        prepare(tmp_path / str(turn), seed=seed).summary["fingerprint"] for turn, seed in enumerate((7, 7, 8))
    ]
    assert prints[0] == prints[1] != prints[2]


def test_a_scene_does_not_depend_on_how_many_there_are(store: Store) -> None:
    image, labels = generate_scene(0, 5, 96)
    pixels = store.arrays(labels=False).pixels
    sixth = slice(5 * 96 * 96, 6 * 96 * 96)
    np.testing.assert_array_equal(pixels[sixth], image.reshape(-1, 3))
    np.testing.assert_array_equal(stored_labels(store)[sixth], labels.reshape(-1))


@pytest.mark.parametrize("palette", ["natural", "random"])
def test_scenes_are_the_same_on_every_machine(palette: Any) -> None:
    # If it changes, every score on this data set does: raise the recipe's version.
    digest = hashlib.sha256()
    for index in range(20):
        for array in generate_scene(0, index, 96, palette):
            digest.update(array.tobytes())
    assert digest.hexdigest() == RECORDED[palette]


def test_the_palette_changes_colours_and_not_how_common_the_classes_are(tmp_path: Path) -> None:
    stores = {
        name: Store(prepare(tmp_path / name, images=20, palette=name).store) for name in ("natural", "random")
    }
    assert stores["natural"].fingerprint != stores["random"].fingerprint
    shares = [
        np.bincount(stored_labels(found), minlength=3)[:3] / (20 * 96 * 96) for found in stores.values()
    ]
    assert np.abs(shares[0] - shares[1]).max() < 0.1


def test_labels_are_the_classes_void_and_unlabelled(store: Store) -> None:
    assert np.unique(stored_labels(store)).tolist() == [0, 1, 2, UNLABELLED, VOID]
    table = store.view("synthetic-scenes").tables["corrected"]
    assert table[[0, 1, 2, UNLABELLED, VOID]].tolist() == [0, 1, 2, VOID, VOID]


def test_no_class_is_rare_or_dominant(store: Store) -> None:
    _, labels = centre_crops(store)
    for part in (labels.numpy(), stored_labels(store)):
        shares = np.bincount(part[part < 3], minlength=3) / np.count_nonzero(part < 3)
        assert shares.min() > 0.2
        assert shares.max() < 0.45


def test_the_summary_tells_the_constant_predictions_score(prepared: Prepared, store: Store) -> None:
    _, labels = centre_crops(store)
    expected = constant_accuracy(counts_of(torch.zeros_like(labels, dtype=torch.int64), labels))
    assert prepared.summary["constant prediction"] == f"{expected:.1%} pixel accuracy"
    assert prepared.summary["fingerprint"] == store.fingerprint


@pytest.mark.parametrize(("palette", "least", "most"), [("natural", 0.1, 0.3), ("random", 0.0, 0.05)])
def test_colour_tells_something_of_the_class_by_the_natural_palette_alone(
    tmp_path: Path, palette: str, least: float, most: float
) -> None:
    """As on real photos, where k-means of colours is some 15 points above the constant prediction."""
    images, labels = centre_crops(Store(prepare(tmp_path, images=IMAGES, palette=palette).store))
    pixels = images.permute(0, 2, 3, 1).reshape(-1, 3).numpy()
    kmeans = MiniBatchKMeans(3, batch_size=4096, n_init=3, random_state=0).fit(pixels[::5])
    clusters = torch.from_numpy(kmeans.predict(pixels)).long().view(labels.shape)
    counts = counts_of(clusters, labels)
    gain = score(counts, one_to_one(counts)).pixel_accuracy - constant_accuracy(counts)
    assert least <= max(gain, 0.0) < most


def test_place_and_texture_tell_the_classes_apart_by_the_random_palette(tmp_path: Path) -> None:
    # Thresholds, no learning: plants are rough, and what is smooth is sky above and ground below.
    images, labels = centre_crops(Store(prepare(tmp_path, images=IMAGES, palette="random").store))
    grey = images.mean(dim=1, keepdim=True)
    rough = torch.nn.functional.avg_pool2d(grey.diff(dim=-1, append=grey[..., -1:]).abs(), 7, 1, 3)[:, 0]
    low = torch.arange(labels.shape[1])[:, None] > 0.5 * labels.shape[1]
    clusters = torch.where(rough > 0.055, 1, torch.where(low, 2, 0))
    counts = counts_of(clusters, labels)
    assert score(counts, one_to_one(counts)).pixel_accuracy > 0.75


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
@pytest.mark.parametrize("earlier", [True, False])
def test_an_interruption_leaves_nothing_new(
    tmp_path: Path, error: type[BaseException], earlier: bool
) -> None:
    before = prepare(tmp_path).store.read_bytes() if earlier else None

    def interrupted(items: Sequence[Item], title: str) -> Iterable[Item]:
        yield items[0]
        raise error

    options = SyntheticScenesOptions.parse({"seed": 1}, "synthetic-scenes")
    with pytest.raises(error):
        SyntheticScenes().prepare(options, tmp_path, interrupted)
    left = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.suffix != ".lock"}
    assert left == ({"synthetic-scenes.h5": before} if earlier else {})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"images": 0}, "synthetic-scenes.images=0"),
        ({"size": 10}, "synthetic-scenes.size=10"),
        ({"crop": 97}, "synthetic-scenes.crop=97 is larger than size=96"),
        ({"seeds": 1}, "did you mean seed"),
    ],
)
def test_wrong_options_are_refused(tmp_path: Path, options: dict[str, int], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        prepare(tmp_path, **options)
    assert not list(tmp_path.iterdir())
