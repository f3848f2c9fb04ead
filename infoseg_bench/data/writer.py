"""Writes a store under a temporary name, verifies it, and renames it when it is complete."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import zlib
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, cast

import h5py
import numpy as np
from filelock import FileLock, Timeout
from jaxtyping import UInt8

from infoseg_bench.data.fingerprint import content_fingerprint
from infoseg_bench.data.photo import StoredPhoto
from infoseg_bench.data.view import View
from infoseg_bench.errors import UserError
from infoseg_bench.utils.disk import disk_error

FORMAT_VERSION = 1
CHUNK_PIXELS = 1 << 18
"""Pixels per HDF5 chunk; chosen by this project: 256 Ki, less than a mebibyte per chunk for RGB."""

SPARE_BYTES = 8 << 20
"""Free space below which writing stops, so that HDF5 can always close its file; chosen by this project."""


class StoreWriter:
    """Context manager that writes a store photo by photo, completely or not at all.

    The file appears under its name only after `finish` has checked it. Leaving the context
    without `finish`, by an error or Ctrl-C, removes everything that was written.
    """

    def __init__(self, path: Path, *, channels: int, attributes: dict[str, Any]) -> None:
        """Create the writer.

        Args:
            path: final path of the store
            channels: channels per pixel: 3 for RGB, 4 for RGB and infrared
            attributes: metadata: recipe, recipe_version, licence, citation, sources, options, summary
        """
        self.path = path
        self.channels = channels
        self.attributes = attributes
        self._partial = path.with_name(path.name + ".partial")
        self._lock = FileLock(path.with_name(f".{path.name}.lock"))
        self._file: Any = None
        self._ids: dict[str, None] = {}
        self._sizes: list[tuple[int, int]] = []
        self._labelled: list[bool] = []
        self._checks: dict[str, int] = {}

    def __enter__(self) -> StoreWriter:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
            self._file = h5py.File(self._partial, "w", track_order=True, locking="best-effort")
            self._pixels = self._growing("pixels", (self.channels,))
            self._labels = self._growing("labels", (), compression="gzip", compression_opts=1)
        except Timeout:
            raise UserError(f"{self.path} is being prepared by another process: wait for it") from None
        except OSError as error:
            self._discard()
            raise disk_error(error, self.path) from error
        except BaseException:
            # `__exit__` would not be called after a Ctrl-C in here.
            self._discard()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._discard()
        if isinstance(error, OSError):
            raise disk_error(error, self.path) from error

    def add(
        self,
        photo_id: str,
        image: UInt8[np.ndarray, "height width channel"],
        labels: UInt8[np.ndarray, "height width"] | None = None,
    ) -> None:
        """Append one photo.

        Args:
            photo_id: name of the photo, unique in the store
            image: the whole, scaled photo
            labels: stored labels of the same size, including VOID and UNLABELLED; None if there are none
        """
        self.extend([StoredPhoto(id=photo_id, image=image, labels=labels)])

    def extend(self, photos: Sequence[StoredPhoto]) -> None:
        """Append many photos at once, which is faster.

        Raises:
            ValueError: two photos have the same id
        """
        for photo in photos:
            if photo.id in self._ids:
                raise ValueError(f"{photo.id}: two photos have this name")
            self._ids[photo.id] = None
            self._sizes.append((photo.image.shape[0], photo.image.shape[1]))
            self._labelled.append(photo.labels is not None)
        labels = [photo.labels.ravel() for photo in photos if photo.labels is not None]
        self._reserve(2 * sum(photo.image.nbytes for photo in photos))
        if photos:
            rows = [photo.image.reshape(-1, self.channels) for photo in photos]
            self._append(self._pixels, np.concatenate(rows))
        if labels:
            self._append(self._labels, np.concatenate(labels))

    def finish(self, views: list[View]) -> str:
        """Write the index and the views, verify the file, and rename it to its final name.

        Returns:
            the fingerprint of the content
        """
        for view in views:
            self._check(view)
        file = self._file
        file["ids"] = np.array(list(self._ids), dtype=h5py.string_dtype())
        file["sizes"] = np.array(self._sizes, dtype=np.int32).reshape(-1, 2)
        file["labelled"] = np.array(self._labelled, dtype=bool)
        for view in views:
            _write_view(file.create_group(f"views/{view.name}"), view)
        file.attrs["format"] = "infoseg-bench store"
        file.attrs["format_version"] = FORMAT_VERSION
        for name, value in self.attributes.items():
            file.attrs[name] = value if isinstance(value, str | int) else json.dumps(value, sort_keys=True)
        file.close()
        return self._seal()

    def _check(self, view: View) -> None:
        for name, photos in (("train", view.train), ("evaluation", view.evaluation)):
            if ((photos < 0) | (photos >= len(self._ids))).any():
                raise ValueError(
                    f"view {view.name}: {name} has indices beyond the {len(self._ids)} photos of the store"
                )
        if not np.array(self._labelled, dtype=bool)[view.evaluation].all():
            raise ValueError(f"view {view.name}: photos without labels cannot be scored")

    def _seal(self) -> str:
        found: dict[str, int] = {}
        with h5py.File(self._partial, "r+", locking="best-effort") as written:
            fingerprint = content_fingerprint(written, found)
            if any(found[name] != check for name, check in self._checks.items()):
                raise UserError(f"{self.path}: what was written reads back differently: check the disk")
            written.attrs["fingerprint"] = fingerprint
        with self._partial.open("rb") as handle:
            os.fsync(handle.fileno())
        self._partial.replace(self.path)
        return fingerprint

    def _discard(self) -> None:
        if self._lock.is_locked:
            # On a full disk the flush on closing fails again; the first error is the one to report.
            with contextlib.suppress(OSError, RuntimeError):
                if self._file is not None:
                    self._file.close()
            self._partial.unlink(missing_ok=True)
            self._lock.release()

    def _reserve(self, size: int) -> None:
        # If the disk becomes full during a write, HDF5 crashes the interpreter on closing.
        if shutil.disk_usage(self.path.parent).free < size + SPARE_BYTES:
            raise OSError(errno.ENOSPC, "No space left on device")

    def _growing(self, name: str, shape: tuple[int, ...], **options: Any) -> Any:
        return self._file.create_dataset(
            name, (0, *shape), np.uint8, maxshape=(None, *shape), chunks=(CHUNK_PIXELS, *shape), **options
        )

    def _append(self, dataset: Any, rows: np.ndarray) -> None:
        start = dataset.shape[0]
        dataset.resize(start + len(rows), axis=0)
        dataset[start:] = rows
        name, content = dataset.name.strip("/"), cast(Any, rows)
        self._checks[name] = zlib.crc32(content, self._checks.get(name, 0))


def _write_view(group: Any, view: View) -> None:
    group.attrs["title"] = view.title
    group.attrs["classes"] = json.dumps(view.classes)
    group.attrs["palette"] = json.dumps(view.palette)
    group.attrs["crop"] = view.crop
    group.attrs["note"] = view.note
    if view.label_use:
        group.attrs["label_use"] = view.label_use
    group["train"] = view.train
    group["evaluation"] = view.evaluation
    for protocol, table in view.tables.items():
        group[f"tables/{protocol}"] = table
