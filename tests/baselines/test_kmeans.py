from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.cluster import MiniBatchKMeans

from infoseg_bench.baselines.kmeans import KMeans, KMeansParameters
from infoseg_bench.contracts import RunContext, Task
from infoseg_bench.data.store import Store
from infoseg_bench.data.train_images import TrainImages
from infoseg_bench.errors import UserError
from tests.data.miniature import Photo, make_view, write_photos

CPU = torch.device("cpu")


def fitted(
    tmp_path: Path,
    photos: list[Photo],
    *,
    clusters: int = 3,
    mask: np.ndarray | None = None,
    **parameters: Any,
) -> KMeans:
    write_photos(tmp_path / "k.h5", photos, [make_view(photos)])
    store = Store(tmp_path / "k.h5")
    arrays, view = store.arrays(labels=False), store.view("mini")
    train = TrainImages(arrays, view.train, crop=32, seed=0, device=CPU, mask=mask)
    task = Task(dataset="mini", channels=3, crop=32, clusters=clusters)
    chosen = KMeansParameters.parse({"sample": 3000, **parameters}, "kmeans")
    method = KMeans(chosen, task, RunContext(seed=0, device=CPU, steps=0))
    for _ in method.fit(train):
        pass
    return method


def of_colours(*colours: tuple[int, int, int], side: tuple[int, int] = (40, 40)) -> list[Photo]:
    random = np.random.default_rng(0)
    return [
        Photo(str(i), np.array(colours, dtype=np.uint8)[random.integers(0, len(colours), side)], None)
        for i in range(4)
    ]


def test_clusters_are_the_colours_there_are(tmp_path: Path) -> None:
    colours = ((250, 10, 10), (10, 250, 10), (10, 10, 250))
    method = fitted(tmp_path, of_colours(*colours))
    assert method.centres is not None
    found = {tuple(round(value) for value in centre) for centre in method.centres.tolist()}
    assert found == set(colours)


def test_padding_is_no_colour_of_the_photos(tmp_path: Path) -> None:
    method = fitted(tmp_path, of_colours((200, 200, 200), (90, 90, 90), side=(20, 20)), clusters=2)
    assert method.centres is not None
    assert float(method.centres.min()) > 80


def test_masked_pixels_are_no_colours_and_the_mask_is_declared(tmp_path: Path) -> None:
    """Protocol 9: the released code clusters unmasked pixels only."""
    photos = of_colours((250, 10, 10), (10, 250, 10), (10, 10, 250))
    red = np.concatenate([photo.image[..., 0].ravel() for photo in photos]) == 250
    method = fitted(tmp_path, photos, clusters=2, mask=~red, training_mask=True)
    assert method.centres is not None
    found = {tuple(round(value) for value in centre) for centre in method.centres.tolist()}
    assert found == {(10, 250, 10), (10, 10, 250)}
    assert KMeans.label_use(method.parameters) == "mask"
    assert KMeans.label_use(KMeansParameters()) is None


def test_every_pixel_that_counts_is_as_likely_whatever_its_photo_holds_besides(tmp_path: Path) -> None:
    """A photo of which a quarter fits into the crop gives a quarter of the pixels."""
    whole = Photo("whole", np.full((32, 32, 3), 100, np.uint8), None)
    small = Photo("small", np.full((16, 16, 3), 200, np.uint8), None)
    method = fitted(tmp_path, [whole, small], clusters=2, sample=4000)
    batch_of = TrainImages(
        Store(tmp_path / "k.h5").arrays(labels=False), np.array([0, 1]), crop=32, seed=0, device=CPU
    )
    counts = {}
    for image in range(2):
        drawn = method._draw(batch_of.batch(image, 1), 2000, image)
        counts[int(drawn[0, 0])] = len(drawn)
    assert counts[100] == 2000
    assert counts[200] == pytest.approx(500, abs=100)


def test_a_pixel_goes_to_the_centre_that_scikit_learn_would_choose(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    photos = [Photo(str(i), random.integers(0, 256, (40, 40, 3), dtype=np.uint8), None) for i in range(3)]
    method = fitted(tmp_path, photos)
    assert method.centres is not None
    oracle = MiniBatchKMeans(3, n_init=1).fit(np.eye(3, dtype=np.float32))
    oracle.cluster_centers_ = method.centres.double().numpy()
    pixels = random.integers(0, 256, (1, 16, 16, 3), dtype=np.uint8)
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    expected = oracle.predict(pixels.reshape(-1, 3).astype(np.float64)).reshape(16, 16)
    assert float((method.predict(images)[0].numpy() == expected).mean()) > 0.99


def test_fewer_colours_than_clusters_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="fewer than 3 distinct"):
        fitted(tmp_path, of_colours((1, 2, 3)))
