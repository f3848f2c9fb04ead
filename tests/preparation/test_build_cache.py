from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infoseg_bench.data.photo import Finding, StoredPhoto
from infoseg_bench.errors import FileError
from infoseg_bench.preparation.build_cache import BuildCache, ReadPhoto


def taken(
    cache: BuildCache, sources: list[str], make: Callable[[], Sequence[ReadPhoto]]
) -> list[StoredPhoto]:
    return [one for one in cache.photos(sources, make) if isinstance(one, StoredPhoto)]


def photo(name: str, height: int, width: int, *, channels: int = 3, labelled: bool = True) -> StoredPhoto:
    random = np.random.default_rng(height * 100 + width)
    return StoredPhoto(
        id=name,
        image=random.integers(0, 256, (height, width, channels), dtype=np.uint8),
        labels=random.integers(0, 256, (height, width), dtype=np.uint8) if labelled else None,
        finding=Finding(photo=f"{name}.png", void=(("255", 3),), palette=((0, (1, 2, 3)),))
        if labelled
        else None,
    )


def never() -> Sequence[StoredPhoto]:
    raise AssertionError("made again")


@settings(deadline=None, max_examples=25)
@given(
    shapes=st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5), st.booleans()), max_size=4),
    channels=st.integers(1, 4),
)
def test_a_part_is_made_once_and_found_as_it_was(shapes: list[tuple[int, int, bool]], channels: int) -> None:
    photos = [
        photo(f"{i:012d}", h, w, channels=channels, labelled=has) for i, (h, w, has) in enumerate(shapes)
    ]
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "a.h5"
        BuildCache(store, "key").photos(["x"], lambda: photos)
        found = taken(BuildCache(store, "key"), ["x"], never)
    assert [one.id for one in found] == [one.id for one in photos]
    for one, other in zip(found, photos, strict=True):
        np.testing.assert_array_equal(one.image, other.image)
        assert (one.labels is None) == (other.labels is None)
        if one.labels is not None:
            np.testing.assert_array_equal(one.labels, other.labels)
        assert one.finding == other.finding


def test_a_part_with_a_file_that_cannot_be_used_is_read_again(tmp_path: Path) -> None:
    cache = BuildCache(tmp_path / "a.h5", "key")
    fault = FileError(tmp_path / "b.png", "broken", "replace it")
    assert cache.photos(["x"], lambda: [photo("a", 2, 2), fault])[1] is fault
    assert [one.id for one in taken(cache, ["x"], lambda: [photo("b", 2, 2)])] == ["b"]


def test_other_sources_or_another_key_are_other_parts(tmp_path: Path) -> None:
    store = tmp_path / "a.h5"
    BuildCache(store, "key").photos(["x", "y"], lambda: [photo("a", 2, 2)])
    for key, sources in (("other", ["x", "y"]), ("key", ["x"]), ("key", ["y", "x"])):
        assert BuildCache(store, key).photos(sources, list) == []


@pytest.mark.parametrize("damage", ["flip", "cut", "empty"])
def test_a_part_that_a_power_cut_has_damaged_is_made_again(tmp_path: Path, damage: str) -> None:
    cache = BuildCache(tmp_path / "a.h5", "key")
    cache.photos(["x"], lambda: [photo("a", 40, 40)])
    (path,) = cache.folder.iterdir()
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[len(content) // 2] ^= 1
    path.write_bytes(bytes({"flip": content, "cut": content[:-100], "empty": b""}[damage]))
    assert [one.id for one in taken(cache, ["x"], lambda: [photo("b", 1, 1)])] == ["b"]
    assert [one.id for one in taken(cache, ["x"], never)] == ["b"]


def test_parts_are_hidden_and_removed_at_the_end(tmp_path: Path) -> None:
    cache = BuildCache(tmp_path / "a.h5", "key")
    cache.photos(["x"], lambda: [photo("a", 2, 2)])
    assert [path.name[0] for path in tmp_path.iterdir()] == ["."]
    cache.clear()
    assert list(tmp_path.iterdir()) == []


def test_numbers_are_made_once_and_again_where_a_power_cut_has_emptied_their_file(tmp_path: Path) -> None:
    cache = BuildCache(tmp_path / "a.h5", "key")
    assert cache.numbers(["x", "y"], lambda: [3, 4]) == [3, 4]
    assert cache.numbers(["x", "y"], lambda: [9, 9]) == [3, 4]
    assert cache.numbers(["x", "z"], lambda: [5, 6]) == [5, 6]
    for file in cache.folder.iterdir():
        file.write_bytes(b"")
    assert cache.numbers(["x", "y"], lambda: [7, 8]) == [7, 8]
