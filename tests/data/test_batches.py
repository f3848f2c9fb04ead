from __future__ import annotations

import gc
import types
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from infoseg_bench.data.evaluation_set import EvaluationSet
from infoseg_bench.data.store import Store, StoreArrays, void_mask
from infoseg_bench.data.train_images import TrainBatch, TrainImages
from infoseg_bench.data.view import UNLABELLED, VOID, View
from infoseg_bench.errors import UsageError
from tests.data.miniature import Photo, make_view, random_photos, write_photos, write_store

CPU = torch.device("cpu")
CROP = 8


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(write_store(tmp_path_factory.mktemp("data") / "mini.h5", photos=9, crop=CROP))


def train_images(store: Store, *, seed: int = 0, mask: bool = False) -> TrainImages:
    view, arrays = store.view("mini"), store.arrays(labels=True)
    return TrainImages(
        arrays,
        view.train,
        crop=view.crop,
        seed=seed,
        device=CPU,
        mask=void_mask(arrays, view, protocol="corrected") if mask else None,
    )


def numbered(count: int, crop: int = 4) -> TrainImages:
    """Photos of one colour each, its number, so that a crop tells which photo it is of."""
    sizes = np.array([(crop + i % 3, crop + i % 2) for i in range(count)], dtype=np.int32)
    colours = np.repeat(np.arange(count, dtype=np.uint8), sizes.prod(axis=1))
    arrays = StoreArrays(
        pixels=colours[:, None], labels=None, sizes=sizes, labelled=np.zeros(count, dtype=bool)
    )
    return TrainImages(arrays, np.arange(count, dtype=np.int64), crop=crop, seed=0, device=CPU)


def photos_in(batch: TrainBatch) -> list[int]:
    numbers: list[int] = (batch.images[:, 0, 0, 0] * 255).round().int().tolist()
    return numbers


def equal(a: TrainBatch, b: TrainBatch) -> bool:
    same_mask = (a.mask is None) == (b.mask is None) and (
        a.mask is None or b.mask is None or torch.equal(a.mask, b.mask)
    )
    return torch.equal(a.images, b.images) and torch.equal(a.inside, b.inside) and same_mask


@settings(deadline=None)
@given(count=st.integers(1, 12), size=st.integers(1, 12), epochs=st.integers(1, 4))
def test_every_photo_is_seen_exactly_once_per_epoch(count: int, size: int, epochs: int) -> None:
    size = min(size, count)
    images = numbered(count)
    steps = -(-epochs * count // size)
    seen = [photo for step in range(steps) for photo in photos_in(images.batch(step, size))]
    for epoch in range(epochs):
        assert sorted(seen[epoch * count : (epoch + 1) * count]) == list(range(count))


def test_epochs_differ_in_their_order() -> None:
    images = numbered(12)
    orders = {tuple(photos_in(images.batch(step, 12))) for step in range(5)}
    assert len(orders) == 5


def test_only_the_training_photos_are_seen(store: Store) -> None:
    view, arrays = store.view("mini"), store.arrays(labels=False)
    pixels = np.zeros_like(arrays.pixels)
    areas = arrays.sizes.prod(axis=1)
    pixels[np.repeat(np.arange(len(areas)), areas) == 4] = 255
    white = replace(arrays, pixels=pixels)
    images = TrainImages(white, np.array([4], dtype=np.int64), crop=view.crop, seed=0, device=CPU)
    assert len(images) == 1
    batch = images.batch(0, 1)
    assert torch.equal(batch.images[:, 0], batch.inside.float())


@settings(max_examples=20, deadline=None)
@given(steps=st.lists(st.integers(0, 50), max_size=5), step=st.integers(0, 50))
def test_a_step_gives_the_same_batch_whatever_was_asked_before(
    store: Store, steps: list[int], step: int
) -> None:
    fresh, used = train_images(store, mask=True), train_images(store, mask=True)
    for earlier in steps:
        used.batch(earlier, 3)
    assert equal(used.batch(step, 5), fresh.batch(step, 5))


def test_the_global_random_state_plays_no_part(store: Store) -> None:
    torch.manual_seed(1)
    first = train_images(store).batch(3, 4)
    torch.manual_seed(2)
    state = torch.get_rng_state()
    assert equal(train_images(store).batch(3, 4), first)
    assert torch.equal(torch.get_rng_state(), state)


def test_seeds_and_steps_give_different_batches(store: Store) -> None:
    batches = [train_images(store, seed=seed).batch(step, 9) for seed in range(3) for step in range(3)]
    assert len({batch.images.numpy().tobytes() for batch in batches}) == 9


def test_crops_of_the_same_photo_lie_elsewhere_in_the_next_epoch() -> None:
    pixels = np.arange(16 * 15, dtype=np.uint8)[:, None]
    arrays = StoreArrays(
        pixels=pixels, labels=None, sizes=np.array([(16, 15)], dtype=np.int32), labelled=np.array([False])
    )
    images = TrainImages(arrays, np.array([0], dtype=np.int64), crop=4, seed=0, device=CPU)
    corners = {photos_in(images.batch(step, 1))[0] for step in range(20)}
    assert len(corners) > 10


def test_a_batch_larger_than_the_data_set_is_a_usage_error_that_names_both(store: Store) -> None:
    images = train_images(store)
    with pytest.raises(UsageError, match=r"batch=10 .* 9 training photos"):
        images.batch(0, 10)
    assert images.taken == 0
    assert len(images.batch(0, 9).images) == 9


def test_images_are_floats_in_zero_to_one_and_padding_is_zero(store: Store) -> None:
    batch = train_images(store).batch(0, 9)
    assert batch.images.dtype == torch.float32
    assert batch.images.shape == (9, 3, CROP, CROP)
    assert [float(batch.images.min()), float(batch.images.max())] == [0.0, 1.0]
    assert not batch.inside.all()
    assert (batch.images * ~batch.inside[:, None] == 0).all()


def test_another_crop_may_be_asked_for(store: Store) -> None:
    batch = train_images(store, mask=True).batch(0, 2, crop=5)
    assert batch.images.shape == (2, 3, 5, 5)
    assert batch.mask is not None
    assert batch.inside.shape == batch.mask.shape == (2, 5, 5)


def test_crops_taken_are_counted(store: Store) -> None:
    images = train_images(store)
    assert images.taken == 0
    images.batch(7, 4)
    images.batch(7, 5)
    assert images.taken == 9


def test_photo_maps_are_cropped_with_the_photos_and_negative_where_padded(store: Store) -> None:
    view, arrays = store.view("mini"), store.arrays(labels=False)
    maps = {"red": arrays.pixels[:, 0].astype(np.int16)}
    images = TrainImages(arrays, view.train, crop=CROP, seed=0, device=CPU, maps=maps)
    for step in range(4):
        batch = images.batch(step, 5)
        red = (batch.images[:, 0] * 255).round().long()
        assert torch.equal(batch.maps["red"], red.masked_fill(~batch.inside, -1))
        assert equal(batch, train_images(store).batch(step, 5))
        assert train_images(store).batch(step, 5).maps == {}


def test_there_is_no_mask_unless_it_was_given(store: Store) -> None:
    assert train_images(store).batch(0, 3).mask is None


def test_images_are_the_same_with_a_mask_and_without(store: Store) -> None:
    plain, masked = train_images(store).batch(2, 5), train_images(store, mask=True).batch(2, 5)
    assert torch.equal(plain.images, masked.images)
    assert torch.equal(plain.inside, masked.inside)


def test_the_mask_lies_on_its_own_pixels_and_is_false_where_padded() -> None:
    sizes = np.array([(3, 9), (7, 4), (6, 6)], dtype=np.int32)
    rng = np.random.default_rng(0)
    keep = rng.random(int(sizes.prod(axis=1).sum())) < 0.5
    # A pixel is bright just where the mask keeps it.
    arrays = StoreArrays(
        pixels=np.where(keep, 255, 0).astype(np.uint8)[:, None],
        labels=None,
        sizes=sizes,
        labelled=np.zeros(3, dtype=bool),
    )
    images = TrainImages(arrays, np.array([2, 0, 1], dtype=np.int64), crop=5, seed=0, device=CPU, mask=keep)
    for step in range(10):
        batch = images.batch(step, 3)
        assert batch.mask is not None
        assert batch.mask.any()
        assert torch.equal(batch.mask, batch.images[:, 0] == 1)


# Nothing that a method gets leads to a label.


def reachable(root: object) -> Iterator[object]:
    """Everything that code which holds `root` can reach, short of imported code and its globals."""
    code = (types.ModuleType, type, types.CodeType, types.BuiltinFunctionType)
    seen: set[int] = set()
    todo = [root]
    while todo:
        item = todo.pop()
        if id(item) in seen or isinstance(item, code):
            continue
        seen.add(id(item))
        todo.extend(_within(item))
        yield item


def _within(item: object) -> list[object]:
    if isinstance(item, types.FunctionType):
        # Its globals are a module's; what it closes over is data.
        return [item.__closure__, item.__defaults__, item.__kwdefaults__, item.__dict__]
    found = list(gc.get_referents(item))
    if isinstance(item, np.ndarray):
        found.append(item.base)
    found.extend(getattr(item, "__dict__", {}).values())
    return found


def leaks(root: object, labels: np.ndarray, path: Path) -> list[str]:
    """Describe everything reachable from `root` that is, or leads to, these labels or that file."""
    return [problem for item in reachable(root) if (problem := _leak(item, labels, path))]


def _leak(item: object, labels: np.ndarray, path: Path) -> str | None:
    if isinstance(item, Store | StoreArrays | View | EvaluationSet | h5py.HLObject):
        return f"a {type(item).__name__}"
    if isinstance(item, str | bytes | Path):
        text = item.decode(errors="replace") if isinstance(item, bytes) else str(item)
        return f"the file {text!r}" if str(path.parent) in text or path.name in text else None
    array = item.numpy() if isinstance(item, torch.Tensor) else item
    if isinstance(array, np.ndarray) and array.dtype != object:
        if np.shares_memory(array, labels):
            return f"memory of the labels: {array.shape}"
        if array.dtype == np.uint8 and _holds(array.ravel(), labels):
            return f"a copy of labels: {array.shape}"
    return None


def _holds(values: np.ndarray, labels: np.ndarray) -> bool:
    """Whether a run of the labels stands somewhere among the values."""
    return labels[:32].tobytes() in values.tobytes()


@pytest.mark.parametrize("mask", [False, True])
def test_nothing_reachable_from_the_training_images_leads_to_a_label(store: Store, mask: bool) -> None:
    view, arrays = store.view("mini"), store.arrays(labels=True)
    assert arrays.labels is not None
    given_mask = void_mask(arrays, view, protocol="corrected") if mask else None
    images = TrainImages(arrays, view.train, crop=view.crop, seed=0, device=CPU, mask=given_mask)
    batch = images.batch(0, 4)
    assert leaks([images, batch], arrays.labels, store.path) == []
    tensors = [item for item in reachable(images) if isinstance(item, torch.Tensor)]
    assert sum(tensor.nbytes == arrays.pixels.nbytes for tensor in tensors) == 1


class Holder:
    """Something that keeps whatever it is given."""

    def __init__(self, kept: object) -> None:
        self.kept = kept


def test_the_search_for_leaks_finds_them(store: Store) -> None:
    arrays = store.arrays(labels=True)
    labels = arrays.labels
    assert labels is not None
    hidden: list[Any] = [
        arrays,
        store,
        {"deep": [(labels[5:60],)]},
        torch.from_numpy(labels),
        torch.from_numpy(labels.copy()).reshape(1, -1)[:, :100],
        lambda: labels,
        (label for label in labels),
        store.view,
        str(store.path),
        store.path.parent,
    ]
    for item in hidden:
        assert leaks(Holder(item), labels, store.path), item
    assert leaks(Holder([arrays.pixels, arrays.sizes, "mini", len]), labels, store.path) == []


def naive_mask(photo: Photo, view: View, protocol: str) -> np.ndarray:
    if photo.labels is None:
        return np.ones(photo.size, dtype=bool)
    void = {VOID} if protocol == "published" else {VOID, UNLABELLED}
    return ~np.isin(photo.labels, list(void))


@pytest.mark.parametrize("protocol", ["corrected", "published"])
@pytest.mark.parametrize("labels", ["random", "all", "none"])
def test_the_void_mask_is_false_on_void_pixels_only_and_photos_without_labels_count_whole(
    tmp_path: Path, protocol: str, labels: Any
) -> None:
    photos = random_photos(7, crop=CROP, labels=labels)
    view = make_view(photos, crop=CROP)
    write_photos(tmp_path / "a.h5", photos, [view])
    mask = void_mask(Store(tmp_path / "a.h5").arrays(labels=True), view, protocol=protocol)
    expected = np.concatenate([naive_mask(photo, view, protocol).ravel() for photo in photos])
    np.testing.assert_array_equal(mask, expected)


def test_a_mask_needs_labels_that_were_read(store: Store) -> None:
    with pytest.raises(ValueError, match="without labels"):
        void_mask(store.arrays(labels=False), store.view("mini"), protocol="corrected")


def naive_crop(values: np.ndarray, fill: int) -> np.ndarray:
    """The centre crop, pixel by pixel."""
    out = np.full((CROP, CROP, *values.shape[2:]), fill, dtype=np.uint8)
    top, left = (side // 2 - CROP // 2 for side in values.shape[:2])
    for row in range(CROP):
        for column in range(CROP):
            y, x = row + top, column + left
            if 0 <= y < values.shape[0] and 0 <= x < values.shape[1]:
                out[row, column] = values[y, x]
    return out


@pytest.mark.parametrize("protocol", ["corrected", "published"])
@pytest.mark.parametrize("size", [1, 4, 6, 50])
def test_evaluation_gives_the_centre_crops_of_the_labelled_photos_in_order(
    tmp_path: Path, protocol: str, size: int
) -> None:
    photos = random_photos(9, crop=CROP, seed=3)
    view = make_view(photos, crop=CROP)
    # Another order than the store's.
    view = replace(view, evaluation=view.evaluation[::-1].copy())
    write_photos(tmp_path / "a.h5", photos, [view])
    store = Store(tmp_path / "a.h5")
    scored = EvaluationSet(store.arrays(labels=True), store.view("mini"), protocol=protocol, device=CPU)
    batches = list(scored.batches(size))
    assert len(scored) == len(view.evaluation) == 6
    assert [len(images) for images, _ in batches] == [min(size, 6 - start) for start in range(0, 6, size)]
    images = torch.cat([images for images, _ in batches])
    maps = torch.cat([labels for _, labels in batches])
    for image, labels, number in zip(images, maps, view.evaluation.tolist(), strict=True):
        stored = photos[number].labels
        assert stored is not None
        table = {VOID: VOID, UNLABELLED: 0 if protocol == "published" else VOID}
        classes = np.vectorize(lambda code, table=table: table.get(code, code))(stored)
        np.testing.assert_array_equal(labels.numpy(), naive_crop(classes, VOID))
        expected = naive_crop(photos[number].image, 0).transpose(2, 0, 1).astype(np.float32) / np.float32(255)
        np.testing.assert_array_equal(image.numpy(), expected)


def test_an_unknown_protocol_is_a_usage_error_with_the_nearest_name(store: Store) -> None:
    with pytest.raises(UsageError, match="unknown protocol of mini 'publishd': did you mean published"):
        EvaluationSet(store.arrays(labels=True), store.view("mini"), protocol="publishd", device=CPU)


def test_evaluation_needs_labels_that_were_read(store: Store) -> None:
    with pytest.raises(ValueError, match="without labels"):
        EvaluationSet(store.arrays(labels=False), store.view("mini"), protocol="corrected", device=CPU)


@pytest.mark.gpu
def test_a_gpu_gives_the_same_batches(store: Store) -> None:
    view, arrays, gpu = store.view("mini"), store.arrays(labels=True), torch.device("cuda")
    mask = void_mask(arrays, view, protocol="corrected")
    images = TrainImages(arrays, view.train, crop=view.crop, seed=0, device=gpu, mask=mask)
    expected = train_images(store, mask=True)
    for step in range(3):
        batch, reference = images.batch(step, 5), expected.batch(step, 5)
        assert batch.images.is_cuda
        assert batch.mask is not None
        assert reference.mask is not None
        torch.testing.assert_close(batch.images.cpu(), reference.images)
        assert torch.equal(batch.inside.cpu(), reference.inside)
        assert torch.equal(batch.mask.cpu(), reference.mask)
    pairs = [
        next(EvaluationSet(arrays, view, protocol="corrected", device=device).batches(6))
        for device in (gpu, CPU)
    ]
    torch.testing.assert_close(pairs[0][0].cpu(), pairs[1][0])
    assert torch.equal(pairs[0][1].cpu(), pairs[1][1])
