"""Small random stores, written by the real writer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from infoseg_bench.data.view import UNLABELLED, VOID, View, label_table
from infoseg_bench.data.writer import StoreWriter

Labelling = Literal["random", "all", "none", "visible"]


@dataclass(frozen=True, eq=False)
class Photo:
    """One photo as it goes into a store."""

    id: str
    image: np.ndarray
    labels: np.ndarray | None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.image.shape[0], self.image.shape[1]


def random_photos(
    count: int = 8,
    *,
    classes: int = 3,
    crop: int = 32,
    seed: int = 0,
    labels: Labelling = "random",
    channels: int = 3,
) -> list[Photo]:
    """Make photos of many sizes around the crop: equal, smaller, larger, and mixed.

    Args:
        count: number of photos
        classes: stored labels are class indices below it, VOID, or UNLABELLED
        crop: the sizes go from half of it to twice of it
        seed: of everything
        labels: "random": every third photo has none, VOID and UNLABELLED in all others; "all": the same
            without photos that have none; "none": no photo has any; "visible": all photos have
            some, the class is the brightness, and only a few pixels are VOID
        channels: bands per pixel
    """
    rng = np.random.default_rng(seed)
    sizes = [
        (crop, crop),
        (crop // 2, crop + 5),
        (2 * crop, crop - 3),
        (crop + 3, crop + 4),
        (crop - 1, crop // 2 + 1),
    ]
    while len(sizes) < count:
        height, width = rng.integers(crop // 2, 2 * crop, size=2).tolist()
        sizes.append((height, width))
    return [
        _photo(rng, f"photo-{i:02d}", sizes[i], classes, channels, labels, bare=i % 3 == 2)
        for i in range(count)
    ]


def make_view(
    photos: list[Photo], *, name: str = "mini", classes: int = 3, crop: int = 32, note: str = ""
) -> View:
    """Make a view that trains on all photos and scores the labelled ones.

    Its protocol "corrected" leaves unlabelled pixels out; "published" counts them as class 0.
    """
    indices = {i: i for i in range(classes)}
    return View(
        name=name,
        title=f"Miniature {name}",
        classes=tuple(f"class {i}" for i in range(classes)),
        palette=tuple((50 * i, 255 - 50 * i, 7) for i in range(classes)),
        tables={
            "corrected": label_table(classes, indices),
            "published": label_table(classes, {**indices, UNLABELLED: 0}),
        },
        train=np.arange(len(photos), dtype=np.int64),
        evaluation=np.array(
            [i for i, photo in enumerate(photos) if photo.labels is not None], dtype=np.int64
        ),
        crop=crop,
        note=note,
    )


def write_photos(
    path: Path, photos: Iterable[Photo], views: list[View], *, channels: int = 3, **attributes: Any
) -> str:
    """Write a store of these photos.

    Returns:
        the fingerprint
    """
    with StoreWriter(path, channels=channels, attributes={"recipe": "miniature", **attributes}) as writer:
        for photo in photos:
            writer.add(photo.id, photo.image, photo.labels)
        return writer.finish(views)


def write_store(
    path: Path,
    *,
    name: str = "mini",
    photos: int = 8,
    classes: int = 3,
    crop: int = 32,
    seed: int = 0,
    labels: Labelling = "random",
    channels: int = 3,
) -> Path:
    """Write a store of random photos under the file name `path`, with the one view `name`.

    The other arguments are those of `random_photos` and `make_view`.
    """
    made = random_photos(photos, classes=classes, crop=crop, seed=seed, labels=labels, channels=channels)
    write_photos(path, made, [make_view(made, name=name, classes=classes, crop=crop)], channels=channels)
    return path


def _photo(
    rng: np.random.Generator,
    photo_id: str,
    size: tuple[int, int],
    classes: int,
    channels: int,
    labels: Labelling,
    *,
    bare: bool,
) -> Photo:
    image = rng.integers(0, 256, (*size, channels), dtype=np.uint8)
    if labels == "none" or (labels == "random" and bare):
        return Photo(photo_id, image, None)
    if labels == "visible":
        stripes = np.arange(size[1]) * classes // size[1]
        indices = np.broadcast_to(rng.permutation(classes)[stripes], size)
        image = (indices[..., None] * (224 // classes) + image // 8).astype(np.uint8)
        return Photo(photo_id, image, np.where(rng.random(size) < 0.02, VOID, indices).astype(np.uint8))
    codes = np.array([*range(classes), VOID, UNLABELLED], dtype=np.uint8)
    return Photo(photo_id, image, codes[rng.integers(0, len(codes), size)])
