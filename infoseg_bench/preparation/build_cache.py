"""Cache of the finished parts of a store that is being built, so that an interrupted build can resume."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from infoseg_bench.data.photo import Finding, StoredPhoto
from infoseg_bench.errors import FileError
from infoseg_bench.utils.atomic import write_atomic, write_text
from infoseg_bench.utils.source_files import DAMAGED

ReadPhoto = StoredPhoto | FileError
"""A photo as it was read, or why it cannot be used."""


FINDING = TypeAdapter[Finding | None](Finding | None)
ARRAYS = ("ids", "shapes", "labelled", "pixels", "labels", "findings")
"""Of one file of the cache."""


class BuildCache:
    """A hidden folder of photos already prepared, in files named by a hash of their sources and options.

    Parts made from other files or options are therefore never used. A part damaged by a power cut fails its
    CRC and is made again.
    """

    def __init__(self, store: Path, key: str) -> None:
        """Create the cache of a store; `key` identifies how photos are turned into what is stored."""
        self.folder = store.with_name(f".{store.stem}.parts")
        self._key = key

    def photos(self, sources: Sequence[str], make: Callable[[], Sequence[ReadPhoto]]) -> Sequence[ReadPhoto]:
        """Return the photos that `make` returns for these sources, from the cache if possible.

        A part with files that cannot be used is not kept.
        """
        path = self._file(sources, ".npz")
        found = _load(path)
        if found is None:
            made = make()
            photos = [photo for photo in made if isinstance(photo, StoredPhoto)]
            if len(photos) == len(made):
                _save(path, photos)
            return made
        return found

    def numbers(self, sources: Sequence[str], make: Callable[[], list[int]]) -> list[int]:
        """Return the numbers that `make` returns, one per source, from the cache if possible."""
        path = self._file(sources, ".json")
        # A power cut may leave an empty file of the right name.
        with contextlib.suppress(OSError, ValueError):
            found: list[int] = json.loads(path.read_text())
            return found
        made = make()
        write_text(path, json.dumps(made), durable=False)
        return made

    def _file(self, sources: Sequence[str], suffix: str) -> Path:
        name = hashlib.sha256("\n".join([self._key, *sources]).encode()).hexdigest()[:32]
        return self.folder / f"{name}{suffix}"

    def clear(self) -> None:
        """Remove the cache, once the store is complete."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _save(path: Path, photos: Sequence[StoredPhoto]) -> None:
    labels = [photo.labels.ravel() for photo in photos if photo.labels is not None]
    arrays = {
        "ids": np.array([photo.id for photo in photos], dtype=np.str_),
        "shapes": np.array([photo.image.shape for photo in photos], dtype=np.int64).reshape(-1, 3),
        "labelled": np.array([photo.labels is not None for photo in photos], dtype=bool),
        "pixels": np.concatenate([np.empty(0, np.uint8), *(photo.image.ravel() for photo in photos)]),
        "labels": np.concatenate([np.empty(0, np.uint8), *labels]),
        "findings": np.array([FINDING.dump_json(photo.finding).decode() for photo in photos], np.str_),
    }
    write_atomic(path, lambda handle: np.savez(handle, allow_pickle=False, **arrays), durable=False)


def _load(path: Path) -> Sequence[StoredPhoto] | None:
    try:
        # numpy does not close a damaged file that it opened itself.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in ARRAYS}
    except (OSError, ValueError, KeyError, *DAMAGED):
        return None
    shapes, labelled = arrays["shapes"], arrays["labelled"]
    images = np.split(arrays["pixels"], np.cumsum(shapes.prod(axis=1))[:-1]) if len(shapes) else []
    areas = shapes[labelled, :2].prod(axis=1)
    labels = iter(np.split(arrays["labels"], np.cumsum(areas)[:-1]) if len(areas) else [])
    return [
        StoredPhoto(
            id=str(name),
            image=image.reshape(shape),
            labels=next(labels).reshape(shape[:2]) if has_labels else None,
            finding=FINDING.validate_json(str(text)),
        )
        for name, shape, image, has_labels, text in zip(
            arrays["ids"], shapes, images, labelled, arrays["findings"], strict=True
        )
    ]
