"""Small image files and whole COCO folders in the official layout, made for a test."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from infoseg_bench.utils.progress import Item

LICENCES = [
    {"id": 1, "name": "Attribution License", "url": "http://creativecommons.org/licenses/by/2.0/"},
    {"id": 2, "name": "No known copyright restrictions", "url": "http://flickr.com/commons/usage/"},
]


def scene(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A smooth colour photo, so that JPEG keeps it well."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def save(path: Path, pixels: np.ndarray, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path


def interrupting(items: Sequence[Item], title: str, *, during: str = "photos") -> Iterator[Item]:
    """Progress during which the user presses Ctrl-C at the third photo."""
    for done, item in enumerate(items):
        if title == during and done == 2:
            raise KeyboardInterrupt
        yield item


def leftovers(data: Path) -> list[str]:
    """Files in the data folder, without what is hidden: locks, and parts to continue from."""
    return sorted(path.name for path in data.glob("*") if path.name[0] != ".")


class CocoFolder:
    """A COCO source folder: photos of 300x240 and annotations in every official form."""

    width, height = 300, 240

    def __init__(self, root: Path) -> None:
        self.root = root
        self._splits: dict[str, dict[str, Any]] = {}

    def split(self, name: str) -> dict[str, Any]:
        return self._splits.setdefault(
            name,
            {
                "info": {"description": "made for a test"},
                "licenses": LICENCES,
                "images": [],
                "annotations": [],
                "categories": [{"id": 1, "name": "person"}, {"id": 18, "name": "dog"}],
            },
        )

    def photo(self, photo: int, split: str = "train2017") -> int:
        name = f"{photo:012d}.jpg"
        save(self.root / split / name, scene(self.height, self.width, photo), quality=95)
        entry = {"id": photo, "file_name": name, "height": self.height, "width": self.width, "license": 1}
        self.split(split)["images"].append(entry)
        return photo

    def annotate(
        self, photo: int, segmentation: Any, *, crowd: int = 0, category: int = 1, split: str = "train2017"
    ) -> None:
        annotations = self.split(split)["annotations"]
        entry = {"id": 1000 * photo + len(annotations), "image_id": photo, "category_id": category}
        annotations.append({**entry, "iscrowd": crowd, "segmentation": segmentation})

    def write(self) -> Path:
        (self.root / "annotations").mkdir(parents=True, exist_ok=True)
        for name, content in self._splits.items():
            path = self.root / "annotations" / f"instances_{name}.json"
            path.write_text(json.dumps(content), encoding="utf-8")
        return self.root


def box(left: float, top: float, right: float, bottom: float) -> list[list[float]]:
    """A rectangle as one polygon."""
    return [[left, top, right, top, right, bottom, left, bottom]]


def runs(mask: np.ndarray) -> list[int]:
    """A mask as uncompressed run lengths, columns first, starting with a run of zeros."""
    flat = np.concatenate([[0], mask.T.ravel(), [2]])
    edges = np.flatnonzero(np.diff(flat))
    lengths = np.diff(np.concatenate([[0], edges]))
    return [int(length) for length in lengths]
