from __future__ import annotations

import errno
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import TypeCheckError

from infoseg_bench.data.catalogue import find_prepared, prepared_datasets
from infoseg_bench.data.store import Store
from infoseg_bench.data.view import UNLABELLED, VOID, View, label_table
from infoseg_bench.data.writer import FORMAT_VERSION, StoreWriter
from infoseg_bench.errors import UsageError, UserError
from tests.data.miniature import Photo, make_view, random_photos, write_photos, write_store


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def fingerprint(photos: list[Photo], views: list[View] | None = None, **attributes: Any) -> str:
    with folder() as path:
        return write_photos(path / "a.h5", photos, views or [make_view(photos)], **attributes)


def changed(photos: list[Photo], number: int, **fields: Any) -> list[Photo]:
    return [replace(photo, **fields) if i == number else photo for i, photo in enumerate(photos)]


def leftovers(path: Path) -> list[str]:
    """Everything beside the lock, which may stay: a lock file that is removed can be held twice."""
    return sorted(item.name for item in path.iterdir() if item.suffix != ".lock")


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10**6), count=st.integers(0, 7), channels=st.integers(1, 4), crop=st.integers(4, 12)
)
def test_what_was_written_is_read_back(seed: int, count: int, channels: int, crop: int) -> None:
    photos = random_photos(count, seed=seed, channels=channels, crop=crop)
    with folder() as path:
        written = write_photos(path / "a.h5", photos, [make_view(photos, crop=crop)], channels=channels)
        store = Store(path / "a.h5")
        arrays, ids = store.arrays(labels=True), store.ids()
        store.verify()
    assert store.fingerprint == written
    assert (store.photos, store.channels) == (count, channels)
    assert ids == [photo.id for photo in photos]
    labelled = [photo.labels for photo in photos if photo.labels is not None]
    assert store.labelled == len(labelled)
    assert arrays.labels is not None
    assert arrays.labelled.tolist() == [photo.labels is not None for photo in photos]
    assert arrays.sizes.tolist() == [list(photo.size) for photo in photos]
    assert arrays.pixels.tobytes() == b"".join(photo.image.tobytes() for photo in photos)
    assert arrays.labels.tobytes() == b"".join(labels.tobytes() for labels in labelled)


def test_void_and_unlabelled_pixels_stay_distinct(tmp_path: Path) -> None:
    labels = np.array([[0, VOID], [UNLABELLED, 1]], dtype=np.uint8)
    photo = Photo("only", np.zeros((2, 2, 3), dtype=np.uint8), labels)
    write_photos(tmp_path / "a.h5", [photo], [make_view([photo], classes=2)])
    store = Store(tmp_path / "a.h5")
    stored = store.arrays(labels=True).labels
    assert stored is not None
    assert stored.tolist() == [0, VOID, UNLABELLED, 1]
    view = store.view("mini")
    assert view.tables["corrected"][stored].tolist() == [0, VOID, VOID, 1]
    assert view.tables["published"][stored].tolist() == [0, VOID, 0, 1]


def test_labels_are_read_only_when_asked_for(tmp_path: Path) -> None:
    store = Store(write_store(tmp_path / "a.h5"))
    assert store.arrays(labels=False).labels is None
    assert store.arrays(labels=True).labels is not None


def test_views_are_read_back_with_index_sets_tables_and_words(tmp_path: Path) -> None:
    photos = random_photos(6)
    first = make_view(photos, note="for people: ±, “quotes”, <b>")
    second = replace(
        make_view(photos, name="other", classes=2, crop=20),
        train=np.array([5, 0, 3], dtype=np.int64),
        evaluation=np.array([4, 1], dtype=np.int64),
    )
    write_photos(tmp_path / "a.h5", photos, [first, second])
    store = Store(tmp_path / "a.h5")
    assert store.view_names == ["mini", "other"]
    for view in (first, second):
        read = store.view(view.name)
        for field in ("name", "title", "classes", "palette", "crop", "note"):
            assert getattr(read, field) == getattr(view, field)
        assert read.train.tolist() == view.train.tolist()
        assert read.evaluation.tolist() == view.evaluation.tolist()
        assert {name: table.tolist() for name, table in read.tables.items()} == {
            name: table.tolist() for name, table in view.tables.items()
        }


def test_attributes_are_kept(tmp_path: Path) -> None:
    photos = random_photos(2)
    write_photos(
        tmp_path / "a.h5", photos, [make_view(photos)], licence="CC BY", version=3, sources={"b": [1, 2]}
    )
    attributes = Store(tmp_path / "a.h5").attributes
    assert (attributes["recipe"], attributes["licence"], attributes["version"]) == ("miniature", "CC BY", 3)
    assert attributes["sources"] == '{"b": [1, 2]}'


def test_an_unknown_view_is_told_with_the_nearest_name(tmp_path: Path) -> None:
    store = Store(write_store(tmp_path / "a.h5"))
    with pytest.raises(UsageError, match=r"'mimi'.*did you mean mini"):
        store.view("mimi")


def test_labels_of_another_size_than_the_photo_are_refused(tmp_path: Path) -> None:
    writer = StoreWriter(tmp_path / "a.h5", channels=3, attributes={})
    # The shape checks of the tests may come first.
    with writer, pytest.raises((ValueError, TypeCheckError)):
        writer.add("odd", np.zeros((4, 5, 3), dtype=np.uint8), np.zeros((5, 4), dtype=np.uint8))


def test_a_label_table_names_classes_and_leaves_all_else_void() -> None:
    table = label_table(2, {7: 1, UNLABELLED: 0})
    assert (table[7], table[UNLABELLED]) == (1, 0)
    assert np.count_nonzero(table != VOID) == 2
    assert label_table(3)[:4].tolist() == [0, 1, 2, VOID]


@pytest.mark.parametrize("index", [-1, 2, VOID])
def test_a_label_table_refuses_a_class_that_is_not_there(index: int) -> None:
    with pytest.raises(ValueError, match=f"class {index}"):
        label_table(2, {0: index})


def test_the_same_content_has_the_same_fingerprint_whatever_its_attributes_and_words() -> None:
    photos = random_photos(4)
    renamed = replace(make_view(photos), title="another title", note="another note")
    first = fingerprint(photos, licence="CC BY", options="from a folder")
    assert first == fingerprint(photos, [renamed], licence="none", summary="in another mood")


@pytest.mark.parametrize("rows", [1, 7, 64])
def test_the_fingerprint_and_the_check_of_what_was_written_do_not_depend_on_blocks(
    rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = random_photos(3)
    whole = fingerprint(photos)
    monkeypatch.setattr("infoseg_bench.data.fingerprint.BLOCK_ROWS", rows)
    assert fingerprint(photos) == whole


def test_every_change_of_content_changes_the_fingerprint() -> None:
    photos = random_photos(4)
    view, second = replace(make_view(photos), evaluation=np.array([0], dtype=np.int64)), photos[1]
    assert second.labels is not None
    image, labels = second.image.copy(), second.labels.copy()
    image[3, 5, 1] ^= 1
    labels[3, 5] = VOID if labels[3, 5] != VOID else UNLABELLED
    published = view.tables["published"].copy()
    published[9] = 1
    flat = replace(second, image=second.image.reshape(-1, 4, 3), labels=second.labels.reshape(-1, 4))
    variants = {
        "nothing": fingerprint(photos, [view]),
        "pixel": fingerprint(changed(photos, 1, image=image), [view]),
        "label": fingerprint(changed(photos, 1, labels=labels), [view]),
        "no labels": fingerprint(changed(photos, 1, labels=None), [view]),
        "id": fingerprint(changed(photos, 1, id="renamed"), [view]),
        "shape": fingerprint([photos[0], flat, *photos[2:]], [view]),
        "order": fingerprint([photos[0], *photos[:0:-1]], [view]),
        "class name": fingerprint(photos, [replace(view, classes=("class 0", "class 1", "sky"))]),
        "table": fingerprint(photos, [replace(view, tables={**view.tables, "published": published})]),
        "protocol": fingerprint(photos, [replace(view, tables={"corrected": view.tables["corrected"]})]),
        "training set": fingerprint(photos, [replace(view, train=view.train[:-1])]),
        "evaluation set": fingerprint(photos, [replace(view, evaluation=np.array([1], dtype=np.int64))]),
        "crop": fingerprint(photos, [replace(view, crop=31)]),
        "view name": fingerprint(photos, [replace(view, name="maxi")]),
        "more views": fingerprint(photos, [view, replace(view, name="maxi")]),
    }
    assert len(set(variants.values())) == len(variants), variants


def write_until(path: Path, photos: list[Photo], error: BaseException) -> None:
    """Write photos until something raises."""
    with StoreWriter(path, channels=3, attributes={}) as writer:
        for photo in photos:
            writer.add(photo.id, photo.image, photo.labels)
        raise error


@pytest.mark.parametrize(
    "error", [ValueError("a bad photo"), KeyboardInterrupt(), UserError("photo.jpg: cannot be decoded")]
)
@pytest.mark.parametrize("existing", [False, True])
def test_an_error_midway_leaves_no_trace_and_an_existing_store_as_it_was(
    tmp_path: Path, error: BaseException, existing: bool
) -> None:
    path = tmp_path / "a.h5"
    before = write_store(path).read_bytes() if existing else None
    photos = random_photos(3, seed=1)
    with pytest.raises(type(error)) as caught:
        write_until(path, photos, error)
    assert caught.value is error
    assert leftovers(tmp_path) == (["a.h5"] if existing else [])
    assert before is None or path.read_bytes() == before
    # The lock is free again.
    write_store(path, seed=2)
    Store(path).verify()


def test_a_store_that_was_not_finished_does_not_appear(tmp_path: Path) -> None:
    photos = random_photos(1)
    with StoreWriter(tmp_path / "a.h5", channels=3, attributes={}) as writer:
        writer.add(photos[0].id, photos[0].image)
    assert leftovers(tmp_path) == []


def test_before_it_is_finished_a_store_is_not_under_its_name(tmp_path: Path) -> None:
    photos = random_photos(2)
    with StoreWriter(tmp_path / "a.h5", channels=3, attributes={}) as writer:
        writer.add(photos[0].id, photos[0].image, photos[0].labels)
        assert prepared_datasets(tmp_path) == ({}, [])
        writer.finish([make_view(photos[:1])])
        assert "mini" in prepared_datasets(tmp_path)[0]
    assert leftovers(tmp_path) == ["a.h5"]


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(
            "Can't write data (file write failed: errno = 28, error message = 'No space left on device')"
        ),
    ],
)
def test_a_full_disk_is_told_in_one_line_and_leaves_an_existing_store_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    path = write_store(tmp_path / "a.h5")
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(StoreWriter, "_append", full)
        with pytest.raises(UserError, match=r"a\.h5: the disk is full") as caught:
            write_store(path, seed=1)
    assert "\n" not in str(caught.value)
    assert leftovers(tmp_path) == ["a.h5"]
    assert path.read_bytes() == before


ON_A_FULL_DISK = """
import sys
from pathlib import Path
from typing import Any
from infoseg_bench.errors import UserError
from tests.data.miniature import write_store
try:
    write_store(Path(sys.argv[1]) / "a.h5", photos=60, crop=128)
except UserError as error:
    print(error)
print([item.name for item in Path(sys.argv[1]).iterdir() if item.suffix != ".lock"])
"""


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare, to mount a small disk")
def test_a_disk_that_is_really_full_is_told_in_one_line_by_a_process_that_ends_orderly(
    tmp_path: Path,
) -> None:
    small = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
    mount = f'mount -t tmpfs -o size=2m tmpfs "{tmp_path}"'
    if subprocess.run([*small, mount], capture_output=True, check=False).returncode:
        pytest.skip("may not mount a small disk")
    done = subprocess.run(
        [*small, f'{mount} && exec "$@"', "sh", sys.executable, "-c", ON_A_FULL_DISK, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    lines = done.stdout.splitlines()
    assert "the disk is full" in lines[0], done.stdout + done.stderr
    assert lines[1:] == ["[]"]
    assert done.stderr == ""
    assert done.returncode == 0


def test_a_folder_that_is_a_file_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")
    with pytest.raises(UserError, match="cannot be written"):
        write_store(tmp_path / "data" / "a.h5")


def test_of_two_writers_the_second_is_told_to_wait_and_the_first_finishes(tmp_path: Path) -> None:
    path, photos = tmp_path / "a.h5", random_photos(1)
    with StoreWriter(path, channels=3, attributes={}) as writer:
        with pytest.raises(UserError, match=r"a\.h5 is being prepared by another process"):
            write_store(path)
        writer.add(photos[0].id, photos[0].image, photos[0].labels)
        writer.finish([make_view(photos)])
    Store(path).verify()


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.7, 0.999])
def test_a_truncated_store_is_refused_by_name(tmp_path: Path, share: float) -> None:
    path = write_store(tmp_path / "a.h5")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(UserError, match=r"a\.h5: not a readable store"):
        Store(path)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89HDF\r\n\x1a\n" + bytes(100)])
def test_a_file_that_is_no_store_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.h5"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"a\.h5: not a readable store"):
        Store(path)


def test_another_programs_hdf5_file_is_refused_by_name(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["pixels"] = np.zeros(3)
    with pytest.raises(UserError, match=r"a\.h5: not a readable store"):
        Store(tmp_path / "a.h5")


def test_an_absent_store_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"absent\.h5"):
        Store(tmp_path / "absent.h5")


@pytest.mark.parametrize("version", [FORMAT_VERSION + 1, 0, None])
def test_a_store_of_another_format_is_refused_by_name(tmp_path: Path, version: int | None) -> None:
    path = write_store(tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        del file.attrs["format_version"]
        if version is not None:
            file.attrs["format_version"] = version
    with pytest.raises(UserError, match=rf"a\.h5: store format {version}, not {FORMAT_VERSION}"):
        Store(path)


def flip(path: Path, dataset: str, share: float) -> None:
    """Change one byte of what a dataset occupies in the file."""
    with h5py.File(path, "r") as file:
        data = file[dataset]
        if data.chunks:
            chunk = data.id.get_chunk_info(0)
            start, length = chunk.byte_offset, min(chunk.size, data.nbytes)
        else:
            start, length = data.id.get_offset(), data.nbytes
    content = bytearray(path.read_bytes())
    content[start + int(share * (length - 1))] ^= 0x10
    path.write_bytes(content)


@pytest.mark.parametrize("dataset", ["pixels", "labels", "sizes", "views/mini/train"])
@pytest.mark.parametrize("share", [0.0, 0.5])
def test_verify_notices_a_flipped_byte(tmp_path: Path, dataset: str, share: float) -> None:
    path = write_store(tmp_path / "a.h5")
    Store(path).verify()
    flip(path, dataset, share)
    with pytest.raises(UserError, match=r"a\.h5"):
        Store(path).verify()


def test_what_reads_back_differently_never_gets_the_stores_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = random_photos(2)
    seal = StoreWriter._seal

    def on_a_bad_disk(writer: StoreWriter) -> str:
        flip(tmp_path / "a.h5.partial", "pixels", 0.5)
        return seal(writer)

    monkeypatch.setattr(StoreWriter, "_seal", on_a_bad_disk)
    with pytest.raises(UserError, match=r"a\.h5: what was written reads back differently"):
        write_photos(tmp_path / "a.h5", photos, [make_view(photos)])
    assert leftovers(tmp_path) == []


def test_the_catalogue_finds_every_view_and_lists_broken_stores(tmp_path: Path) -> None:
    photos = random_photos(3)
    write_photos(tmp_path / "a.h5", photos, [make_view(photos), make_view(photos, name="maxi")])
    write_store(tmp_path / "z.h5", name="last")
    (tmp_path / "broken.h5").write_bytes(b"half a download")
    (tmp_path / "halfway.h5.partial").write_bytes(b"not yet")
    (tmp_path / "notes.txt").write_text("not a store")
    found, problems = prepared_datasets(tmp_path)
    assert sorted(found) == ["last", "maxi", "mini"]
    assert found["maxi"].view.name == "maxi"
    assert found["maxi"].store.path == tmp_path / "a.h5"
    assert len(problems) == 1
    assert str(tmp_path / "broken.h5") in problems[0]


def test_the_catalogue_lists_a_store_whose_view_is_damaged_and_finds_the_others(tmp_path: Path) -> None:
    write_store(tmp_path / "good.h5", name="good")
    path = write_store(tmp_path / "bad.h5", name="bad")
    with h5py.File(path, "r+") as file:
        del file["views/bad/train"]
    found, problems = prepared_datasets(tmp_path)
    assert sorted(found) == ["good"]
    assert len(problems) == 1
    assert str(path) in problems[0]


def test_a_folder_that_does_not_exist_holds_no_data_sets(tmp_path: Path) -> None:
    assert prepared_datasets(tmp_path / "absent") == ({}, [])


def test_two_photos_of_the_same_name_are_refused(tmp_path: Path) -> None:
    photos = random_photos(2)
    with pytest.raises(ValueError, match=photos[0].id):
        write_photos(tmp_path / "a.h5", changed(photos, 1, id=photos[0].id), [make_view(photos)])
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("wrong", [2, 3, -1])
def test_a_view_that_scores_a_photo_without_labels_is_refused(tmp_path: Path, wrong: int) -> None:
    photos = random_photos(3)
    assert photos[2].labels is None
    view = replace(make_view(photos), evaluation=np.array([0, wrong], dtype=np.int64))
    with pytest.raises(ValueError, match="mini"):
        write_photos(tmp_path / "a.h5", photos, [view])
    assert leftovers(tmp_path) == []


def test_an_interrupt_while_the_file_is_being_opened_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(StoreWriter, "_growing", interrupted)
    with pytest.raises(KeyboardInterrupt):
        StoreWriter(tmp_path / "a.h5", channels=3, attributes={}).__enter__()
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".lock"] == []


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def test_a_store_that_was_cut_off_says_so_and_is_never_unknown(tmp_path: Path) -> None:
    write_store(tmp_path / "good.h5", name="good")
    cut_off(write_store(tmp_path / "mini.h5"))
    for name in ("mini", "mini-3"):
        with pytest.raises(
            UserError, match=r"mini\.h5: not a readable store \(truncated: it has \d+ of \d+ bytes"
        ):
            find_prepared(tmp_path, name)
    with pytest.raises(UsageError, match="did you mean good"):
        find_prepared(tmp_path, "goods")


def test_every_way_of_reading_a_store_that_got_damaged_is_one_line(tmp_path: Path) -> None:
    path = write_store(tmp_path / "mini.h5")
    store = Store(path)
    cut_off(path)
    for read in (store.ids, store.verify, lambda: store.arrays(labels=True), lambda: store.view("mini")):
        with pytest.raises(UserError, match=r"mini\.h5: not a readable store .*copy it again"):
            read()
    path.unlink()
    with pytest.raises(UserError, match=r"mini\.h5: no such store: prepare it"):
        store.ids()


def test_a_store_is_read_where_the_disk_cannot_lock_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_store(tmp_path / "mini.h5")
    locking: list[object] = []
    original = h5py.File.__init__

    def watched(self: h5py.File, *args: Any, **options: Any) -> None:
        if args and args[0] == path:
            locking.append(options.get("locking"))
        original(self, *args, **options)

    monkeypatch.setattr(h5py.File, "__init__", watched)
    Store(path).arrays(labels=True)
    assert locking == [False, False]
