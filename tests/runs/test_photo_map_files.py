from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import h5py
import numpy as np
import pytest

from infoseg_bench.contracts import PhotoMap, parameter
from infoseg_bench.data.catalogue import prepared_datasets
from infoseg_bench.data.store import Store
from infoseg_bench.errors import UserError
from infoseg_bench.runs.photo_map_files import cached_map_path, load_photo_map, map_path
from infoseg_bench.utils.progress import no_progress
from tests.data.miniature import write_store


class Brightness(PhotoMap):
    """The first band, scaled down: easy to foretell."""

    name: ClassVar[str] = "brightness"
    libraries: ClassVar[tuple[str, ...]] = ("numpy",)

    divisor: int = parameter(2, "divides the grey levels", source="chosen by this project", gt=0)

    def compute(self, image: np.ndarray) -> np.ndarray:
        return (image[..., 0] // self.divisor).astype(np.int16)


class Counting(Brightness):
    """Slow, and counts the photos it has seen."""

    calls: ClassVar[list[int]] = []

    def compute(self, image: np.ndarray) -> np.ndarray:
        self.calls.append(1)
        time.sleep(0.02)
        return super().compute(image)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(write_store(tmp_path / "mini.h5"))


def load(wanted: PhotoMap, store: Store, **more: Any) -> np.ndarray:
    options: dict[str, Any] = {"progress": no_progress, "pause": lambda: None, **more}
    return load_photo_map(wanted, store, store.arrays(labels=False), **options)


def expected(store: Store, divisor: int = 2) -> np.ndarray:
    return store.arrays(labels=False).pixels[:, 0] // divisor


def test_every_photos_map_lies_where_its_pixels_do(store: Store) -> None:
    assert np.array_equal(load(Brightness(), store), expected(store))


def test_it_is_made_once_and_read_afterwards(store: Store) -> None:
    Counting.calls.clear()
    first = load(Counting(), store)
    assert len(Counting.calls) == store.photos
    assert np.array_equal(load(Counting(), store), first)
    assert len(Counting.calls) == store.photos


def test_it_lies_beside_the_store_and_is_taken_for_no_data_set(store: Store) -> None:
    load(Brightness(), store)
    assert map_path(Brightness(), store).is_file()
    assert map_path(Brightness(), store).parent == store.path.parent
    found, problems = prepared_datasets(store.path.parent)
    assert list(found) == ["mini"]
    assert not problems


def test_other_settings_other_content_and_another_version_have_files_of_their_own(
    store: Store, tmp_path: Path
) -> None:
    class Newer(Brightness):
        version: ClassVar[int] = 2

    other = Store(write_store(tmp_path / "other" / "mini.h5", seed=1))
    paths = [map_path(wanted, store) for wanted in (Brightness(), Brightness(divisor=3), Newer())]
    names = [path.name for path in (*paths, map_path(Brightness(), other))]
    assert len(set(names)) == 4
    load(Brightness(), store)
    assert np.array_equal(load(Brightness(divisor=3), store), expected(store, 3))


def test_a_store_prepared_anew_with_other_photos_does_not_get_the_old_map(tmp_path: Path) -> None:
    load(Brightness(), Store(write_store(tmp_path / "mini.h5", seed=0)))
    anew = Store(write_store(tmp_path / "mini.h5", seed=1))
    assert np.array_equal(load(Brightness(), anew), expected(anew))


@pytest.mark.parametrize("damage", ["cut", "changed", "other", "empty"])
def test_a_damaged_file_is_made_again(store: Store, damage: str) -> None:
    load(Brightness(), store)
    path = map_path(Brightness(), store)
    if damage in ("cut", "empty"):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2 if damage == "cut" else 0])
    else:
        with h5py.File(path, "r+") as file:
            if damage == "changed":
                file["map"][3] = 99
            else:
                file.attrs["fingerprint"] = "0" * 64
    assert np.array_equal(load(Brightness(), store), expected(store))
    with h5py.File(path) as file:
        assert np.array_equal(file["map"][:], expected(store))


def test_two_that_want_it_at_once_make_it_once(store: Store) -> None:
    Counting.calls.clear()
    results: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda: results.append(load(Counting(), store))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(Counting.calls) == store.photos
    assert all(np.array_equal(result, expected(store)) for result in results)
    assert len(results) == 3


def _load_in_process(path: str) -> int:
    return int(load(Brightness(), Store(Path(path))).sum())


def test_two_processes_that_want_it_at_once_get_the_same(store: Store) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        sums = pool.map(_load_in_process, [str(store.path)] * 2)
    assert sums == [int(expected(store).sum())] * 2


def test_who_waits_for_another_may_give_up(store: Store) -> None:
    class GivenUp(Exception):
        pass

    def give_up() -> None:
        raise GivenUp

    begun, go_on = threading.Event(), threading.Event()

    def slow(items: Sequence[int], title: str) -> Iterable[int]:
        begun.set()
        go_on.wait(30)
        return items

    thread = threading.Thread(target=lambda: load(Brightness(), store, progress=slow))
    thread.start()
    begun.wait(30)
    with pytest.raises(GivenUp):
        load(Brightness(), store, pause=give_up)
    go_on.set()
    thread.join()
    assert map_path(Brightness(), store).is_file()


def test_stopped_on_the_way_it_leaves_nothing_and_the_next_one_makes_it_whole(store: Store) -> None:
    def stopped(items: Sequence[int], title: str) -> Iterable[int]:
        yield from items[:3]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load(Brightness(), store, progress=stopped)
    assert not [path for path in store.path.parent.iterdir() if path.suffix in (".map", ".tmp")]
    assert np.array_equal(load(Brightness(), store), expected(store))


def test_a_folder_that_cannot_be_written_is_named_in_one_line(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*words: Any, **options: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("filelock.FileLock.acquire", refused)
    with pytest.raises(UserError, match=r"brightness-.*cannot be written \(Permission denied\)") as caught:
        load(Brightness(), store)
    assert "\n" not in str(caught.value)


def test_beside_a_store_that_is_read_only_it_goes_to_the_cache_folder_and_says_so(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK or path != store.path.parent)
    Counting.calls.clear()
    assert np.array_equal(load(Counting(), store), load(Counting(), store))
    assert len(Counting.calls) == store.photos
    assert not map_path(Counting(), store).exists()
    (line,) = caplog.messages
    assert str(store.path.parent) in line
    assert str(cached_map_path(Counting(), store).parent) in line
