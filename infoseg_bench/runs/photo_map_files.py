"""Photo maps of a whole store, computed once and cached beside the store or in the user's cache folder."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import h5py
import numpy as np
from filelock import FileLock, Timeout
from jaxtyping import Int16
from platformdirs import user_cache_path

from infoseg_bench.contracts import Method
from infoseg_bench.contracts.photo_map import PhotoMap
from infoseg_bench.data.store import Store, StoreArrays
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.runs.execute import STATUS_SECONDS
from infoseg_bench.runs.prediction import Interrupted
from infoseg_bench.utils.atomic import write_bytes
from infoseg_bench.utils.disk import disk_error
from infoseg_bench.utils.parallel import ordered_map
from infoseg_bench.utils.progress import ProgressFactory, no_progress

Item = TypeVar("Item")

logger = logging.getLogger(__name__)

WAIT_SECONDS = 0.2
"""Time between two checks whether another process has finished the map; chosen by this project."""


def load_photo_map(
    wanted: PhotoMap,
    store: Store,
    arrays: StoreArrays,
    *,
    progress: ProgressFactory,
    pause: Callable[[], None],
) -> Int16[np.ndarray, " pixel"]:
    """Read a photo map of a store; if it is missing or damaged, compute it on all cores and write it.

    If two processes need the same map, the second one waits for the first.

    Args:
        wanted: the kind of map, with its settings
        store: the store
        arrays: the arrays of the store; labels are not used
        progress: shows how many photos are done
        pause: called while waiting for another process; may raise an exception to give up

    Raises:
        UserError: neither the store's folder nor the cache folder is writable, or the disk is full
    """
    fingerprint = wanted.fingerprint(store.fingerprint)
    for path in (map_path(wanted, store), cached_map_path(wanted, store)):
        found = _read(path, fingerprint)
        if found is not None:
            return found
    path = _place(wanted, store)
    lock = FileLock(path.with_name(f".{path.name}.lock"))
    try:
        _acquire(lock, pause)
    except OSError as error:
        raise disk_error(error, path) from error
    try:
        found = _read(path, fingerprint)
        if found is None:
            found = _compute(wanted, arrays, progress)
            _write(path, found, fingerprint, wanted)
    finally:
        lock.release()
    return found


def load_photo_maps(
    wanted: Iterable[PhotoMap],
    store: Store,
    arrays: StoreArrays,
    *,
    progress: ProgressFactory = no_progress,
    pause: Callable[[], None] = lambda: None,
) -> dict[str, Int16[np.ndarray, " pixel"]]:
    """Return several photo maps by name; takes the arguments and raises the errors of `load_photo_map`."""
    return {one.name: load_photo_map(one, store, arrays, progress=progress, pause=pause) for one in wanted}


def map_path(wanted: PhotoMap, store: Store) -> Path:
    """Return the path of a map beside its store: STORE.MAP-FINGERPRINT.map."""
    fingerprint = wanted.fingerprint(store.fingerprint)
    return store.path.with_name(f"{store.path.stem}.{wanted.name}-{fingerprint[:12]}.map")


def cached_map_path(wanted: PhotoMap, store: Store) -> Path:
    """Return the path of a map in the user's cache folder, for a store in a read-only folder."""
    return user_cache_path("infoseg-bench") / "maps" / map_path(wanted, store).name


def _place(wanted: PhotoMap, store: Store) -> Path:
    """Return the path of a new map: beside the store if its folder is writable, else in the cache folder."""
    path = map_path(wanted, store)
    if os.access(path.parent, os.W_OK):
        return path
    cached = cached_map_path(wanted, store)
    logger.warning(
        "%s is not writable: %s is written to %s instead", path.parent.resolve(), path.name, cached.parent
    )
    try:
        cached.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(error, cached) from error
    return cached


def _acquire(lock: FileLock, pause: Callable[[], None]) -> None:
    while True:
        try:
            lock.acquire(timeout=WAIT_SECONDS)
            return
        except Timeout:
            pause()


def _compute(wanted: PhotoMap, arrays: StoreArrays, progress: ProgressFactory) -> Int16[np.ndarray, " pixel"]:
    areas = arrays.sizes.astype(np.int64).prod(axis=1)
    starts = np.cumsum(areas) - areas
    whole = np.empty(int(areas.sum()), dtype=np.int16)

    def compute(photo: int) -> np.ndarray:
        start, shape = starts[photo], tuple(arrays.sizes[photo])
        pixels = arrays.pixels[start : start + areas[photo]]
        return wanted.compute(pixels.reshape(*shape, pixels.shape[1])).reshape(-1)

    with closing(ordered_map(compute, range(len(areas)), progress, wanted.name)) as maps:
        for start, area, values in zip(starts, areas, maps, strict=True):
            whole[start : start + area] = values
    return whole


def _write(path: Path, values: np.ndarray, fingerprint: str, wanted: PhotoMap) -> None:
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        file.create_dataset("map", data=values, compression="gzip", compression_opts=1, shuffle=True)
        file.attrs["fingerprint"] = fingerprint
        file.attrs["content"] = _hash(values)
        file.attrs["settings"] = json.dumps(wanted.model_dump(mode="json"), sort_keys=True)
    write_bytes(path, content.getbuffer())


def _read(path: Path, fingerprint: str) -> Int16[np.ndarray, " pixel"] | None:
    """Return the map in a file; None if it is missing, damaged or has another fingerprint."""
    try:
        with h5py.File(path, "r", locking=False) as file:
            values: np.ndarray = file["map"][:]
            whole = file.attrs["fingerprint"] == fingerprint and file.attrs["content"] == _hash(values)
    except (OSError, KeyError):
        return None
    return values if whole else None


def _hash(values: np.ndarray) -> str:
    return hashlib.sha256(values.astype("<i2", copy=False).data).hexdigest()


def photo_maps(
    method: Method, store: Store, arrays: StoreArrays, folder: RunFolder, should_stop: Callable[[], bool]
) -> dict[str, np.ndarray]:
    """Return the photo maps that the method requests, by name, and write the progress to the run's status.

    Raises:
        Interrupted: `should_stop` returned True; an unfinished map is computed again next time
        UserError: a map cannot be written
    """

    def pause() -> None:
        if should_stop():
            raise Interrupted

    def progress(items: Sequence[Item], title: str) -> Iterable[Item]:
        last_status = 0.0
        for done, item in enumerate(items):
            pause()
            if time.monotonic() - last_status > STATUS_SECONDS:
                last_status = time.monotonic()
                folder.write_status(state="running", doing=title, step=done, steps=len(items))
            yield item

    wanted = method.photo_maps(method.parameters)
    return load_photo_maps(wanted, store, arrays, progress=progress, pause=pause)
